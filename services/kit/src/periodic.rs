//! Work that is done at start-up and again now and then.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Result;

/// Does `work` now and then, `period` apart, until `shutdown`. A failure is logged and the next time awaited.
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
