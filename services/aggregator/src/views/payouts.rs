//! What contributions earned.

use api::{
    participants::Page,
    payouts::{Payout, PayoutPolicy},
};
use kit::{Error, Result};
use ledger::payout::Policy;
use names::{RoundId, Subject};

use crate::{
    batches::amount,
    state::App,
    store::books::{self, PayoutRow},
    stored_round,
};

/// At most `limit` earnings of a round, of participants whose names follow `after`.
pub(crate) async fn of_round(
    app: &App,
    round_id: RoundId,
    after: Option<&Subject>,
    limit: u16,
) -> Result<Page<Payout>> {
    stored_round::find(app, round_id).await?;
    let rows = books::payouts(&app.db, &round_id, after, i64::from(limit)).await?;
    let next = rows.last().filter(|_| rows.len() == usize::from(limit)).map(|row| row.subject.to_string());
    Ok(Page { items: rows.into_iter().map(view).collect::<Result<_>>()?, next })
}

/// Turns a stored earning into the one that callers see.
pub(crate) fn view(row: PayoutRow) -> Result<Payout> {
    Ok(Payout {
        round_id: row.round_id.0,
        contribution_id: row.contribution_id.0,
        subject: row.subject.0,
        policy: match row.policy.parse().map_err(Error::fault)? {
            Policy::Equal => PayoutPolicy::Equal,
            Policy::Weight => PayoutPolicy::Weight,
            Policy::ScoreReputation => PayoutPolicy::ScoreReputation,
        },
        pool: amount(&row.pool)?,
        asset: row.asset,
        weight: row.weight.cast_unsigned(),
        score_ppm: row.score_ppm.cast_unsigned(),
        reputation_ppm: row.reputation_ppm.cast_unsigned(),
        amount: amount(&row.amount)?,
    })
}
