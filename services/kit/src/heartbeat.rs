//! The heartbeat of a service: once a minute it measures the time that has passed, by a clock that
//! nobody sets.
//!
//! A key must not be lost because a wall clock is wrong. So an unreleased round ends only when two
//! clocks say so: the wall clock, and the time during which the service was running.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{Result, periodic::every, time::Clock};

/// The time between two heartbeats, and the most that one of them adds to the observed time.
pub const PERIOD: Duration = Duration::from_secs(60);

/// The milliseconds that a heartbeat adds to the observed time.
pub fn counted_ms(since_last: Duration) -> i64 {
    i64::try_from(since_last.min(PERIOD).as_millis()).unwrap_or(i64::MAX)
}

/// Calls `beat` once a minute with the time since the last call, until `shutdown`. If the wall
/// clock was set in between, calls `stepped` first.
pub async fn keep<F: Future<Output = Result<()>>>(
    clock: &Clock,
    shutdown: CancellationToken,
    stepped: impl Fn(),
    beat: impl Fn(Duration) -> F,
) {
    let last = Mutex::new((Instant::now(), clock.now()));
    let next = || {
        let (steady, wall) = (Instant::now(), clock.now());
        let before =
            std::mem::replace(&mut *last.lock().unwrap_or_else(PoisonError::into_inner), (steady, wall));
        let since_last = steady - before.0;
        if let Some(step_ms) = step_ms(wall.ms_since(before.1), since_last) {
            stepped();
            tracing::error!(
                step_ms,
                "the wall clock was set: no key is destroyed before the observed time agrees"
            );
        }
        beat(since_last)
    };
    every(PERIOD, "keeping time", shutdown, next).await;
}

/// How far the wall clock was set, from how far two clocks went: the wall clock, by `wall_ms`, and
/// the clock that nobody sets, by `steady`. `None` if they differ by less than a heartbeat.
fn step_ms(wall_ms: i64, steady: Duration) -> Option<i64> {
    let steady_ms = i64::try_from(steady.as_millis()).unwrap_or(i64::MAX);
    let step_ms = wall_ms.saturating_sub(steady_ms);
    (step_ms.unsigned_abs() >= PERIOD.as_millis() as u64).then_some(step_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_a_minute_is_seen_and_drift_is_not() {
        let minute = Duration::from_secs(60);
        assert_eq!(step_ms(60_400, minute), None);
        assert_eq!(step_ms(1, minute), None);
        assert_eq!(step_ms(120_000, minute), Some(60_000));
        assert_eq!(step_ms(-3_540_000, minute), Some(-3_600_000));
        assert_eq!(step_ms(i64::MIN, minute), Some(i64::MIN));
    }

    #[test]
    fn a_heartbeat_counts_a_minute_at_most() {
        assert_eq!(counted_ms(Duration::from_secs(6_000)), 60_000);
        assert_eq!(counted_ms(Duration::from_millis(1_500)), 1_500);
    }
}
