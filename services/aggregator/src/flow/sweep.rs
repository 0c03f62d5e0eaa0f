//! Sweeping. It destroys the keys of rounds whose creation was interrupted. Nothing was ever sealed
//! to these keys. It removes files of objects that were never complete. It erases data that is kept
//! only for audits, once their time is over.

use std::{collections::HashMap, time::Duration};

use api::rounds::RoundState;
use kit::{Result, time::Timestamp, vault::round_key};
use names::RoundId;

use super::erase;
use crate::{state::App, store::rounds};

/// The creation of a round that takes longer is given up.
pub(crate) const LONGEST_CREATION_MS: i64 = 3_600_000;

/// If the round of a key this old is not stored, its creation was interrupted. The age is far above
/// the longest creation, because clocks may differ.
const UNUSED_KEY_MS: i64 = 24 * LONGEST_CREATION_MS;

/// Time beyond the longest upload, because several processes may have different settings.
const UNFINISHED_OBJECT: Duration = Duration::from_secs(3_600);

/// Sweeps everything.
pub(crate) async fn sweep(app: &App) -> Result<()> {
    let keys = sweep_keys(app).await;
    let erased = erase::erase_expired(app).await;
    app.blobs.sweep(app.longest_upload + UNFINISHED_OBJECT).await.and(keys).and(erased)
}

/// Destroys the keys of rounds that will never open and of rounds that have ended.
async fn sweep_keys(app: &App) -> Result<()> {
    let keys = round_key::list(&app.vault).await?;
    if keys.is_empty() {
        return Ok(());
    }
    if !rounds::any(&app.db).await? {
        tracing::warn!(
            keys = keys.len(),
            "keys in the vault and no round in the database: is it the right one?"
        );
        return Ok(());
    }
    let states: HashMap<RoundId, RoundState> = rounds::states(&app.db, &keys).await?;
    for round_id in keys {
        let state = states.get(&round_id).copied();
        if is_useless(state, created_at(&round_id), app.now()) {
            round_key::destroy(&app.vault, round_id).await?;
            tracing::info!(%round_id, ?state, "key of no use destroyed");
        }
    }
    Ok(())
}

/// Returns whether no contribution to the round will ever be opened.
fn is_useless(state: Option<RoundState>, created_at: Option<Timestamp>, now: Timestamp) -> bool {
    match (state, created_at) {
        (Some(RoundState::Published | RoundState::Failed | RoundState::Cancelled), _) => true,
        (Some(_), _) => false,
        (None, Some(created_at)) => now.ms_since(created_at) > UNUSED_KEY_MS,
        (None, None) => false,
    }
}

/// Returns when this round id was chosen. The round id contains the time.
pub(crate) fn created_at(round_id: &RoundId) -> Option<Timestamp> {
    let (seconds, nanoseconds) = uuid::Uuid::from_bytes(round_id.to_bytes()).get_timestamp()?.to_unix();
    let seconds = i64::try_from(seconds).ok()?;
    Some(Timestamp::from_ms(seconds.checked_mul(1_000)?).plus_ms(i64::from(nanoseconds / 1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_round_that_may_open_or_is_open_is_kept_however_old() {
        let now = Timestamp::from_ms(1_000 * UNUSED_KEY_MS);
        let (long_ago, lately) = (Some(Timestamp::from_ms(0)), Some(now.minus_ms(UNUSED_KEY_MS)));
        use RoundState::*;
        for running in [Preparing, Open, Settling, Folding, Releasing, Unmasking] {
            assert!(!is_useless(Some(running), long_ago, now), "{running:?}");
        }
        for ended in [Published, Failed, Cancelled] {
            assert!(is_useless(Some(ended), lately, now), "{ended:?}");
        }
        assert!(is_useless(None, long_ago, now));
        assert!(!is_useless(None, lately, now));
        assert!(!is_useless(None, None, now));
    }

    #[test]
    fn an_identifier_says_when_it_was_made() {
        let before = Timestamp::now();
        let made = created_at(&uuid::Uuid::now_v7().into_bytes().into()).unwrap();
        assert!((0..60_000).contains(&made.ms_since(before)), "{made:?}");
        assert!(created_at(&[0; 16].into()).is_none());
    }
}
