//! State `open`: contributions are uploaded (`flow/upload.rs`) and verified ([`super::verifying`]).

use kit::{Result, time::Timestamp};

use super::lifecycle::{Event, LockedRound};
use crate::store::{
    jobs::{self, Kind},
    rounds::{self, Facts},
};

/// Opens a round. Job `close` is due at its closing time.
pub(crate) async fn enter(round: &mut LockedRound<'_>, countersignatures: &[Vec<u8>]) -> Result<()> {
    let closes_at = Timestamp::from_ms(round.document()?.closes_at_ms);
    let (round_id, now) = (round.id(), round.now);
    round
        .advance(
            Event::Countersigned,
            Facts { countersignatures: Some(countersignatures), ..Facts::default() },
        )
        .await?;
    jobs::enqueue(round.tx, Kind::Close, &round_id, &[String::new()], closes_at, now).await?;
    jobs::drop_unneeded(round.tx, &round_id, &[Kind::Prepare], now).await?;
    Ok(())
}

/// Brings job `close` forward if the round is full of verified contributions. It is then due at the
/// earliest closing time of the round, or now if that time is past.
pub(crate) async fn close_if_full(round: &mut LockedRound<'_>) -> Result<()> {
    let round_id = round.id();
    if let Some(earliest) = rounds::full_from(round.tx, &round_id).await? {
        jobs::hasten_close(round.tx, &round_id, earliest.max(round.now)).await?;
    }
    Ok(())
}
