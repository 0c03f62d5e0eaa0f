//! Work that a service repeats at regular intervals.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Result;

/// Does `work` at once, and again after each `period` until `shutdown` is cancelled. A failure is
/// logged and does not end the loop.
pub async fn every<F: Future<Output = Result<()>>>(
    period: Duration,
    what: &'static str,
    shutdown: CancellationToken,
    work: impl Fn() -> F,
) {
    loop {
        tokio::select! {
            outcome = work() => if let Err(error) = outcome {
                tracing::warn!(what, error = error.chain(), "periodic work failed, will be repeated");
            },
            () = shutdown.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            () = shutdown.cancelled() => return,
        }
    }
}
