//! State `published`: the result is public, and the contributions in the sum are paid for.

use api::rounds::RoundState;
use kit::{Error, Result};
use names::RoundId;
use protocol::{Canonical, RoundDocument};

use super::{
    lifecycle::{Event, LockedRound},
    step::{Next, Step},
};
use crate::{
    payouts,
    state::App,
    store::{
        books::Earning,
        closing::{self, ResultRow},
        jobs::Kind,
        rounds::{Facts, RoundRow},
    },
};

/// Publishes the result of an unmasked round.
pub(crate) async fn enter(round: &mut LockedRound<'_>, result: &ResultRow) -> Result<()> {
    let round_id = round.id();
    closing::insert_result(round.tx, &round_id, result).await?;
    round.advance(Event::ResultSigned, Facts::default()).await?;
    round.enqueue(Kind::Retire, "").await?;
    // The log covers a round that pays when it is paid.
    match round.document()?.payout {
        Some(_) => round.enqueue(Kind::Payout, "").await,
        None => round.enqueue(Kind::Checkpoint, "ended").await,
    }
}

/// Job `payout`: records earnings, postings and batch in the transaction that finishes the job.
pub(crate) struct Pay;

impl Step for Pay {
    const NAME: &'static str = "pay";
    const STATES: &'static [RoundState] = &[RoundState::Published];

    type Done = Vec<Earning>;

    async fn work(&self, app: &App, round: &RoundRow) -> Result<Vec<Earning>> {
        let document = RoundDocument::from_bytes(&round.document).map_err(Error::fault)?;
        match &document.payout {
            Some(terms) => payouts::earnings(app, &round.round_id, terms).await,
            None => Ok(Vec::new()),
        }
    }

    async fn record(&self, _: &App, round: &mut LockedRound<'_>, earnings: &Vec<Earning>) -> Result<Next> {
        let (document, now) = (round.document()?, round.now);
        if let Some(terms) = &document.payout {
            payouts::post(round.tx, &document, terms, earnings, now).await?;
        }
        round.enqueue(Kind::Checkpoint, "paid").await?;
        Ok(Next::Finish)
    }

    fn announce(&self, round_id: RoundId, earnings: &Vec<Earning>) {
        tracing::info!(%round_id, contributions = earnings.len(), "round paid");
    }
}
