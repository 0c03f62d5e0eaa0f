//! Payout of a published round: earnings, postings and batch in the transaction that finishes the job.

use api::rounds::RoundState;
use kit::{Error, Result, tx::run_tx};
use protocol::{Canonical, RoundDocument};

use super::Held;
use crate::{
    flow::{payouts, rounds},
    state::App,
    store::jobs::{self, Kind},
};

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let round_id = held.round_id();
    let round = rounds::find(app, round_id).await?;
    let document = RoundDocument::from_bytes(&round.document).map_err(Error::fault)?;
    let terms = document.payout.filter(|_| round.state.0 == RoundState::Published);
    let earnings = match &terms {
        Some(terms) => payouts::reckon(app, &round_id, terms).await?,
        None => Vec::new(),
    };
    let now = app.now();
    let paying = run_tx(&app.db, "pay", async |mut tx| {
        if let Some(terms) = &terms {
            payouts::post(&mut tx, &document, terms, &earnings, now).await?;
        }
        jobs::enqueue(&mut tx, Kind::Checkpoint, &round_id, &["paid".to_owned()], now, now).await?;
        held.finish(&mut tx, now).await?;
        Ok((tx, ()))
    });
    paying.await?;
    tracing::info!(%round_id, contributions = earnings.len(), "round paid");
    Ok(())
}
