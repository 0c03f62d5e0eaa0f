//! The work that follows an upload. It is leased, done at least once and recorded exactly once.
//!
//! A step reads, computes, writes objects that may be written again, and ends with one transaction.
//! The transaction records the result, finishes the job and asks for what follows
//! ([`crate::round::step`]). A worker that dies in between loses nothing but time: its lease runs
//! out, and another worker, in this process or in another, starts the step again.

mod attempt;
mod retry;
mod timers;
mod worker;

use futures::future::join_all;
use kit::shutdown::CancellationToken;

use crate::state::App;

/// Works until `shutdown`. Then it gives back the jobs in progress.
pub(crate) async fn run(app: App, shutdown: CancellationToken) {
    let workers = (0..app.jobs.workers).map(|_| tokio::spawn(worker::work(app.clone(), shutdown.clone())));
    tokio::join!(join_all(workers), timers::keep(&app, &shutdown));
}
