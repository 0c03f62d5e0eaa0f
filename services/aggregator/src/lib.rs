//! The aggregator receives masked updates, adds them, and publishes only the sum.
//!
//! It sees only masked bodies and its own share of every mask key. `routes` has the requests,
//! `flow` a function for each use case, `uploads` the steps of an upload, `round` the life of a
//! round, `views` the answers, `jobs` the workers that carry rounds on, and `store` all SQL.

#![forbid(unsafe_code)]

mod args;
mod backend;
mod batches;
mod blobs;
mod combiners;
pub mod config;
mod flow;
mod jobs;
mod log_head;
mod members;
mod metrics;
mod payouts;
mod reputation;
mod round;
mod routes;
mod schema;
mod slots;
mod state;
mod store;
mod stored_round;
mod sum;
mod uploads;
mod views;

use std::time::Duration;

pub use args::Args;
pub use config::Config;
use futures::future::BoxFuture;
use kit::{Result, config::ListenConfig, shutdown::CancellationToken, time::Clock};
pub use round::lifecycle::{Event, TRANSITIONS};
pub use schema::{SCHEMA, migrate};
pub use store::record;

/// An aggregator that is ready to serve.
#[derive(Clone)]
pub struct Aggregator(state::App);

impl Aggregator {
    /// Opens everything that the configuration names. Tests pass another wall clock than the
    /// operating system's.
    ///
    /// # Errors
    /// A fault if the configuration breaks a rule, if something that it names cannot be opened, or
    /// if the database lacks migrations.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self> {
        // An error means that a provider is installed already.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        state::App::build(config, clock).await.map(Self)
    }

    /// Serves and works until `shutdown` is cancelled.
    ///
    /// # Errors
    /// A fault if the address cannot be bound.
    pub async fn serve(self, listen: &ListenConfig, shutdown: CancellationToken) -> Result<()> {
        let working = tokio::spawn(jobs::run(self.0.clone(), shutdown.clone()));
        let served = kit::serve::serve(routes::router(self.0), listen, shutdown.clone()).await;
        shutdown.cancel();
        working.await?;
        served
    }

    /// Adds time to what the aggregators on this database have observed, and ends the rounds whose
    /// time is over. The service does so once a minute.
    ///
    /// # Errors
    /// A fault if the database fails.
    pub async fn beat(&self, since_last: Duration) -> Result<()> {
        flow::expire::beat(&self.0, since_last).await
    }
}

/// Serves and works until `shutdown` is cancelled. Then it answers the requests in progress and
/// gives the jobs in progress back.
///
/// The database must be migrated ([`migrate`]). A newer schema is accepted.
///
/// # Errors
/// A fault if the configuration breaks a rule, if something that it names cannot be opened, or if
/// the address cannot be bound.
pub fn run(config: Config, shutdown: CancellationToken) -> BoxFuture<'static, Result<()>> {
    // The future is boxed so that this crate compiles the service once for all programs that run
    // it.
    Box::pin(async move {
        let aggregator = Aggregator::start(&config, Clock::system()).await?;
        aggregator.serve(&config.listen, shutdown).await
    })
}
