//! The combiner holds one share of every mask key. It gives away only the sum of those shares over
//! one set of a round.
//!
//! A request passes through three layers. `routes` decodes it, makes one call and encodes the
//! answer. `flow` has one function for each use case. `store` has all SQL. Private keys of rounds
//! are in the vault and never in the database. The work for a contribution does not depend on the
//! dimension of an update, unless an aggregator shows a proof that does not verify.

#![forbid(unsafe_code)]

mod admission;
mod args;
mod config;
mod flow;
mod metrics;
mod routes;
mod schema;
mod state;
mod store;

pub use args::Args;
use std::time::Duration;

use axum::Router;
pub use config::{Config, Limits, Policy};
use futures::future::BoxFuture;
use kit::{Result, shutdown::CancellationToken, time::Clock};
pub use schema::{SCHEMA, migrate};

/// The time between two sweeps of unused keys.
const SWEEP_PERIOD: Duration = Duration::from_secs(3_600);

/// A combiner that is ready to serve.
pub struct Combiner(state::App);

impl Combiner {
    /// Opens the database and the vault, and finishes the work that a crash left unfinished.
    ///
    /// # Errors
    /// A fault if a secret cannot be read, if the database or the vault cannot be opened, or if the
    /// database lacks migrations.
    pub async fn start(config: &Config) -> Result<Self> {
        Self::start_at(config, Clock::system()).await
    }

    /// Starts with another wall clock than the operating system's, for tests.
    ///
    /// # Errors
    /// Those of [`Combiner::start`].
    pub async fn start_at(config: &Config, clock: Clock) -> Result<Self> {
        let app = state::App::build(config, clock).await?;
        if config.policy.min_cohort_floor < Policy::ADVISED_FLOOR {
            tracing::warn!(
                floor = config.policy.min_cohort_floor,
                "one server and so many participants less one can isolate the update of another one"
            );
        }
        if let Some(statement) = config.policy.epoch_statement()? {
            flow::epochs::stated(&app, &statement).await?;
        }
        flow::destroy::finish(&app).await?;
        flow::sweep::sweep(&app).await?;
        Ok(Self(app))
    }

    /// Adds time to what this combiner has observed, and ends the rounds whose time is over. The
    /// service does so once a minute.
    ///
    /// # Errors
    /// A fault if the vault or the database fails.
    pub async fn beat(&self, since_last: Duration) -> Result<()> {
        flow::expire::beat(&self.0, since_last).await
    }

    /// Beats until `shutdown` is cancelled.
    async fn keep_time(&self, shutdown: CancellationToken) {
        let beat = |since_last| self.beat(since_last);
        kit::heartbeat::keep(&self.0.clock, shutdown, metrics::clock_stepped, beat).await;
    }

    /// The router with all routes of the service.
    pub fn router(&self) -> Router {
        routes::router(self.0.clone())
    }
}

/// Serves until `shutdown` is cancelled, and then answers the requests in progress. Cancels
/// `shutdown` itself if the service cannot go on.
///
/// The database must be migrated ([`migrate`]). A newer schema is accepted.
///
/// # Errors
/// A fault if the configuration breaks a rule, if something that it names cannot be opened, or if
/// the address cannot be bound.
pub fn run(config: Config, shutdown: CancellationToken) -> BoxFuture<'static, Result<()>> {
    // The future is boxed so that this crate compiles the service once for all programs that run
    // it.
    Box::pin(serve(config, shutdown))
}

async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    let combiner = Combiner::start(&config).await?;
    let sweep = || flow::sweep::sweep(&combiner.0);
    let sweeping = kit::periodic::every(SWEEP_PERIOD, "sweeping", shutdown.clone(), sweep);
    let serving = async {
        let served = kit::serve::serve(combiner.router(), &config.listen, shutdown.clone()).await;
        shutdown.cancel();
        served
    };
    tokio::join!(serving, sweeping, combiner.keep_time(shutdown.clone())).0
}
