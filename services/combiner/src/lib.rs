//! The combiner: holds one share of every client's mask key, and gives away only the sum of those shares over one cohort
//! of a round.
//!
//! A request runs through `routes` (decode, one call, encode), `flow` (one function for each use case) and `store`
//! (all SQL). Private keys of rounds are in the vault and never in the database. Per contribution the work does not
//! depend on the dimension of an update.

#![forbid(unsafe_code)]

mod config;
mod flow;
mod metrics;
mod round_key;
mod routes;
mod schema;
mod state;
mod store;

use std::pin::Pin;

use axum::Router;
use kit::{Result, shutdown::CancellationToken};

pub use config::{Config, Limits, Policy};
pub use schema::{SCHEMA, migrate};

/// How often unused keys are swept away.
const SWEEP_PERIOD: std::time::Duration = std::time::Duration::from_secs(3_600);

/// A combiner that is ready to serve.
pub struct Combiner(state::App);

impl Combiner {
    /// Connects, brings the schema up to date, and finishes what a crash left unfinished.
    ///
    /// # Errors
    /// A fault: a secret cannot be read, the database or the vault cannot be opened.
    pub async fn start(config: &Config) -> Result<Self> {
        let app = state::App::build(config).await?;
        migrate(&app.db).await?;
        flow::destroy::finish(&app).await?;
        flow::sweep::sweep(&app).await?;
        Ok(Self(app))
    }

    /// Every route.
    pub fn router(&self) -> Router {
        routes::router(self.0.clone())
    }
}

/// Serves until `shutdown` is cancelled, or until it cannot go on; then it cancels `shutdown`.
///
/// # Errors
/// A fault: the combiner cannot start, or the address cannot be bound.
pub fn run(config: Config, shutdown: CancellationToken) -> Pin<Box<dyn Future<Output = Result<()>>>> {
    // Boxed, so that the whole service is compiled with this crate and not again with each that runs it.
    Box::pin(serve(config, shutdown))
}

async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    kit::telemetry::init(config.log.format);
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
