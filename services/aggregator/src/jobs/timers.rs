//! Work by the clock. Entries get their index in the log, checkpoints are signed, and remains of
//! killed processes are swept away. Several processes may do this at once, since the database lets
//! only one at a time write the log.

use std::time::Duration;

use kit::{heartbeat, periodic::every, shutdown::CancellationToken};

use crate::{
    flow::{expire, log, sweep},
    metrics,
    state::App,
    store,
};

/// The time between two sweeps.
const SWEEP_PERIOD: Duration = Duration::from_secs(3_600);

/// Works until `shutdown`.
pub(super) async fn keep(app: &App, shutdown: &CancellationToken) {
    let sequence =
        || async { if store::log::is_waiting(&app.db).await? { log::sequence(app).await } else { Ok(()) } };
    let sequence_period = Duration::from_millis(app.record.sequence_ms);
    let checkpoint_period = Duration::from_millis(app.record.checkpoint_ms);
    tokio::join!(
        every(SWEEP_PERIOD, "sweeping", shutdown.clone(), || sweep::sweep(app)),
        every(sequence_period, "the log", shutdown.clone(), sequence),
        every(checkpoint_period, "checkpoints", shutdown.clone(), || log::sign_checkpoint(app)),
        heartbeat::keep(&app.clock, shutdown.clone(), metrics::clock_stepped, |since_last| expire::beat(
            app, since_last
        )),
        // This does not depend on signing, because it must also report when signing fails.
        every(checkpoint_period, "the lag of the log", shutdown.clone(), || log::measure_lag(app)),
    );
}
