//! The metrics of this service. Their names end in their unit. Their labels come from closed lists.

use std::time::Duration;

/// Counts a stored upload.
pub(crate) fn upload_received() {
    metrics::counter!("aggregator_uploads_received_total").increment(1);
}

/// Counts a refused upload.
pub(crate) fn upload_refused(reason: &'static str) {
    metrics::counter!("aggregator_uploads_refused_total", "reason" => reason).increment(1);
}

/// Counts an attempt at a job, and the time that it took.
pub(crate) fn job_attempted(kind: &'static str, outcome: &'static str, took: Duration) {
    metrics::counter!("aggregator_jobs_total", "kind" => kind, "outcome" => outcome).increment(1);
    metrics::histogram!("aggregator_job_seconds", "kind" => kind).record(took.as_secs_f64());
}

/// Counts contributions that were verified or rejected.
pub(crate) fn contributions_checked(verdict: &'static str, count: u64) {
    metrics::counter!("aggregator_contributions_checked_total", "verdict" => verdict).increment(count);
}

/// Counts a norm proof that was verified or refused, and the time that it took.
pub(crate) fn proof_verified(verdict: &'static str, took: Duration) {
    metrics::histogram!("aggregator_proof_seconds", "verdict" => verdict).record(took.as_secs_f64());
}

/// Counts a round that nobody released in time.
pub(crate) fn expired() {
    metrics::counter!("aggregator_rounds_expired_total").increment(1);
}

/// Counts a step of the wall clock.
pub(crate) fn clock_stepped() {
    metrics::counter!("aggregator_clock_steps_total").increment(1);
}

/// Counts a verdict of a combiner that the aggregator cannot accept.
pub(crate) fn verdict_unacceptable(holder: u8) {
    metrics::counter!("aggregator_verdicts_unacceptable_total", "holder" => holder.to_string()).increment(1);
}

/// Counts entries that got their index in the log.
pub(crate) fn entries_sequenced(count: u64) {
    metrics::counter!("aggregator_log_entries_total").increment(count);
}

/// Sets the size of the last signed checkpoint.
pub(crate) fn checkpoint_signed(size: u64) {
    metrics::gauge!("aggregator_log_checkpoint_size").set(size as f64);
}

/// Sets the number of entries that wait for their index, and the time that the oldest has waited.
pub(crate) fn log_lag(entries: u64, lag_ms: u64) {
    metrics::gauge!("aggregator_log_waiting_entries").set(entries as f64);
    metrics::gauge!("aggregator_log_lag_seconds").set(lag_ms as f64 / 1_000.0);
}

/// Sets the number of receipts whose promised checkpoint is overdue.
pub(crate) fn receipts_overdue(count: u64) {
    metrics::gauge!("aggregator_receipts_overdue").set(count as f64);
}

/// Names the backend that does the work that grows with the dimension.
pub(crate) fn backend_in_use(backend: &'static str) {
    for name in ["cpu", "cuda"] {
        metrics::gauge!("aggregator_backend_info", "backend" => name)
            .set(f64::from(u8::from(name == backend)));
    }
}

/// Counts a failure of a card whose work the processor then did.
#[cfg(feature = "cuda")]
pub(crate) fn device_failed() {
    metrics::counter!("aggregator_device_failures_total").increment(1);
}

/// Counts a round that has ended.
pub(crate) fn round_ended(outcome: &'static str) {
    metrics::counter!("aggregator_rounds_total", "outcome" => outcome).increment(1);
}
