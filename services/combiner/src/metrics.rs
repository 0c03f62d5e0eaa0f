//! The counters of this service. Their labels come from closed lists.

use std::time::Duration;

use api::ProblemKind;

/// Counts a round that was countersigned.
pub(crate) fn countersigned() {
    metrics::counter!("combiner_rounds_countersigned_total").increment(1);
}

/// Counts a batch of contributions that was examined, and the time that it took.
pub(crate) fn examined(contributions: usize, took: Duration) {
    metrics::counter!("combiner_contributions_examined_total").increment(contributions as u64);
    metrics::histogram!("combiner_examine_batch_seconds").record(took.as_secs_f64());
}

/// Counts contributions that were attested for the first time.
pub(crate) fn attested(contributions: usize) {
    metrics::counter!("combiner_contributions_attested_total").increment(contributions as u64);
}

/// Counts a contribution that was refused.
pub(crate) fn refused(reason: ProblemKind) {
    metrics::counter!("combiner_contributions_refused_total", "reason" => reason.code()).increment(1);
}

/// Counts a sum of key shares that was released for the first time.
pub(crate) fn released() {
    metrics::counter!("combiner_releases_total").increment(1);
}

/// Counts a refused request to release.
pub(crate) fn release_refused(reason: ProblemKind) {
    metrics::counter!("combiner_releases_refused_total", "reason" => reason.code()).increment(1);
}

/// Counts a receipt that a participant handed over and that is stored.
pub(crate) fn receipt_taken() {
    metrics::counter!("combiner_receipts_total").increment(1);
}

/// Counts a contribution whose proof this combiner refused.
pub(crate) fn proof_refused() {
    metrics::counter!("combiner_proofs_refused_total").increment(1);
}

/// Counts a round that nobody released in time.
pub(crate) fn expired() {
    metrics::counter!("combiner_rounds_expired_total").increment(1);
}

/// Counts a step of the wall clock.
pub(crate) fn clock_stepped() {
    metrics::counter!("combiner_clock_steps_total").increment(1);
}

/// Counts a destroyed round key.
pub(crate) fn key_destroyed() {
    metrics::counter!("combiner_keys_destroyed_total").increment(1);
}
