//! A round as it is shown.

use api::{
    Hex,
    combiner::{CombinerRoundState, CombinerRoundView},
};
use kit::Result;

use crate::{
    state::App,
    store::rounds::{self, Outcome},
};

/// The round with this hash.
///
/// # Errors
/// An abort of kind `not-found`; a fault.
pub(crate) async fn view(app: &App, round_hash: [u8; 32]) -> Result<CombinerRoundView> {
    let summary = rounds::summary(&app.db, &round_hash).await?;
    let count = |value: i64| value.unsigned_abs();
    let milliseconds = |time: time::OffsetDateTime| {
        i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
    };
    Ok(CombinerRoundView {
        round_hash: Hex(round_hash),
        state: match Outcome::parse(summary.outcome.as_deref())? {
            None => CombinerRoundState::Countersigned,
            Some(Outcome::Released) => CombinerRoundState::Released,
            Some(Outcome::Abandoned) => CombinerRoundState::Abandoned,
        },
        attested: count(summary.attested),
        refused: count(summary.refused),
        root: summary.root.map(Hex),
        key_destroyed_at_ms: summary.key_destroyed_at.map(milliseconds),
    })
}
