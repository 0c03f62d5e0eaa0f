//! The log: entries get their places now and then, checkpoints are signed on a timer and when a round has ended. Several
//! processes may do so; the database lets one at a time.

use std::time::Duration;

use kit::{Result, periodic, shutdown::CancellationToken};

use super::Held;
use crate::{flow::log, state::App, store};

/// Works until `shutdown`.
pub(super) async fn keep(app: &App, shutdown: &CancellationToken) {
    let sequence =
        || async { if store::log::is_waiting(&app.db).await? { log::sequence(app).await } else { Ok(()) } };
    let sign = || log::sign_checkpoint(app);
    // Apart from signing: it has to tell that signing fails.
    let measure = || log::measure_lag(app);
    let period = Duration::from_millis;
    tokio::join!(
        periodic::every(period(app.record.sequence_ms), "the log", shutdown.clone(), sequence),
        periodic::every(period(app.record.checkpoint_ms), "checkpoints", shutdown.clone(), sign),
        periodic::every(period(app.record.checkpoint_ms), "the lag of the log", shutdown.clone(), measure),
    );
}

/// Signs a checkpoint that covers all that is recorded of a round.
pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    log::seal(app).await?;
    held.finish_alone(app, "checkpoint").await
}
