//! The combiner: holds one share of every mask key, and gives away only the sum of those shares over one
//! set of a round.
//!
//! A request runs through `routes` (decode, one call, encode), `flow` (one function for each use case)
//! and `store` (all SQL). Private keys of rounds are in the vault and never in the database. The work
//! for a contribution does not depend on the dimension of an update.

#![forbid(unsafe_code)]

mod args;
mod config;
mod flow;
mod metrics;
mod routes;
mod schema;
mod state;
mod store;

pub use args::Args;
use axum::Router;
pub use config::{Config, Limits, Policy};
use futures::future::BoxFuture;
use kit::{Result, shutdown::CancellationToken};
pub use schema::{SCHEMA, migrate};

/// How often unused keys are swept away.
const SWEEP_PERIOD: std::time::Duration = std::time::Duration::from_secs(3_600);

/// A combiner that is ready to serve.
pub struct Combiner(state::App);

impl Combiner {
    /// Connects and finishes what a crash left unfinished.
    ///
    /// # Errors
    /// A fault: a secret cannot be read, the database or the vault cannot be opened, the database is not
    /// migrated.
    pub async fn start(config: &Config) -> Result<Self> {
        let app = state::App::build(config).await?;
        flow::destroy::finish(&app).await?;
        flow::sweep::sweep(&app).await?;
        Ok(Self(app))
    }

    /// Every route.
    pub fn router(&self) -> Router {
        routes::router(self.0.clone())
    }
}

/// Serves until `shutdown`, and answers the requests in progress. Cancels `shutdown` if it cannot go on.
///
/// The database has to be migrated ([`migrate`]). A newer one is accepted.
///
/// # Errors
/// A fault: the configuration breaks a rule, something that it names cannot be opened, the address
/// cannot be bound.
pub fn run(config: Config, shutdown: CancellationToken) -> BoxFuture<'static, Result<()>> {
    // Boxed, so that this crate compiles the whole service once for all programs that run it.
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
    tokio::join!(serving, sweeping).0
}
