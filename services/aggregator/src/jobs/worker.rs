//! A worker. It leases jobs that are due, tries to do them, and extends the lease meanwhile.

use std::{panic::AssertUnwindSafe, time::Duration};

use api::{ProblemKind, combiner::ATTEST_BATCH};
use futures::FutureExt;
use kit::{Error, Result, column::Named, shutdown::CancellationToken, time::Timestamp};
use tokio::time::{Instant, sleep};

use super::{attempt::attempt, retry};
use crate::{
    metrics,
    state::App,
    store::{
        jobs::Kind,
        leases::{self, Held, Return},
    },
};

/// Works until `shutdown`.
pub(super) async fn work(app: App, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        match acquire(&app).await {
            Ok(Some(held)) => take(&app, &held, &shutdown).await,
            Ok(None) => pause(&app, &shutdown).await,
            Err(error) => {
                tracing::error!(error = error.chain(), "no job can be leased");
                pause(&app, &shutdown).await;
            }
        }
    }
}

async fn pause(app: &App, shutdown: &CancellationToken) {
    tokio::select! {
        () = sleep(Duration::from_millis(app.jobs.poll_ms)) => {}
        () = app.work.notified() => {}
        () = shutdown.cancelled() => {}
    }
}

async fn acquire(app: &App) -> Result<Option<Held>> {
    let expires_at = expiry(app);
    let Some(mut held) = Held::acquire(&app.db, expires_at, app.now()).await? else { return Ok(None) };
    // A job that was tried before may have made its batch fail, so it is tried alone.
    if held.kind() == Kind::Verify && held.first().attempts == 1 {
        held.acquire_more(&app.db, expires_at, ATTEST_BATCH as i64 - 1, app.now()).await?;
    }
    Ok(Some(held))
}

/// When a lease that begins now runs out.
fn expiry(app: &App) -> Timestamp {
    app.now().plus_ms(i64::try_from(app.jobs.lease_ms).unwrap_or(i64::MAX / 4))
}

/// Does the jobs once, unless the lease is lost or the process ends meanwhile.
async fn take(app: &App, held: &Held, shutdown: &CancellationToken) {
    let (kind, started) = (held.kind().name(), Instant::now());
    let attempt = AssertUnwindSafe(attempt(app, held)).catch_unwind();
    let outcome = tokio::select! {
        outcome = attempt => outcome.unwrap_or_else(|_| Err(Error::fault("a job panicked"))),
        () = lease_lost(app, held) => Err(leases::lost()),
        () = shutdown.cancelled() => {
            retry::give_back(app, held, Return { run_at: app.now(), counts: false, error: None }).await;
            return;
        }
    };
    let name = match &outcome {
        Ok(()) => "done",
        Err(error) if error.kind() == ProblemKind::Unavailable => "waits",
        Err(_) => "failed",
    };
    metrics::job_attempted(kind, name, started.elapsed());
    match outcome {
        // Other workers may wait for the work that is now done.
        Ok(()) => app.work.notify_one(),
        Err(error) => retry::after(app, held, &error).await,
    }
}

/// Extends the lease as long as it can. Returns when the lease is lost.
async fn lease_lost(app: &App, held: &Held) {
    loop {
        sleep(Duration::from_millis(app.jobs.lease_ms / 3)).await;
        match held.renew(&app.db, expiry(app)).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "a lease could not be extended"),
        }
    }
}
