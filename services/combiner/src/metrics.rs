//! What is counted. Labels come from closed lists.

use std::time::Duration;

use api::ProblemKind;

/// Rounds were countersigned.
pub(crate) fn countersigned() {
    metrics::counter!("combiner_rounds_countersigned_total").increment(1);
}

/// A batch of contributions was examined.
pub(crate) fn examined(contributions: usize, took: Duration) {
    metrics::counter!("combiner_contributions_examined_total").increment(contributions as u64);
    metrics::histogram!("combiner_examine_batch_seconds").record(took.as_secs_f64());
}

/// A contribution was attested for the first time.
pub(crate) fn attested(contributions: usize) {
    metrics::counter!("combiner_contributions_attested_total").increment(contributions as u64);
}

/// A contribution was refused.
pub(crate) fn refused(reason: ProblemKind) {
    metrics::counter!("combiner_contributions_refused_total", "reason" => reason.code()).increment(1);
}

/// The sum of key shares was released for the first time.
pub(crate) fn released() {
    metrics::counter!("combiner_releases_total").increment(1);
}

/// A request to release was refused.
pub(crate) fn release_refused(reason: ProblemKind) {
    metrics::counter!("combiner_releases_refused_total", "reason" => reason.code()).increment(1);
}

/// A round's key was destroyed.
pub(crate) fn key_destroyed() {
    metrics::counter!("combiner_keys_destroyed_total").increment(1);
}
