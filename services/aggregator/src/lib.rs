//! The homomorphic aggregator: receives masked updates, adds them, and publishes the sum.
//!
//! It sees only ciphertexts and its own share of every mask key. Requests are in `routes`, what they ask for in `flow`,
//! everything that outlives a request in `jobs`, all SQL in `store`.

#![forbid(unsafe_code)]

mod args;
mod backend;
mod blobs;
mod combiners;
pub mod config;
mod flow;
mod jobs;
mod metrics;
mod refusal;
mod round_key;
mod routes;
mod state;
mod store;

pub use args::Args;
pub use config::Config;
use kit::{Result, shutdown::CancellationToken};
use sqlx::migrate::Migrator;

/// The database's migrations, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/aggregator");

/// Serves and works until `shutdown`: requests in progress are answered, jobs in progress given back.
///
/// The database has to be migrated ([`kit::postgres::migrate`] with [`MIGRATOR`]).
///
/// # Errors
/// A fault: the configuration breaks a rule, something that it names cannot be opened, the address cannot be bound.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<()> {
    // An error means that a provider is installed already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let app = state::App::build(&config).await?;
    let working = tokio::spawn(jobs::run(app.clone(), shutdown.clone()));
    let served = kit::serve::serve(routes::router(app), &config.listen, shutdown.clone()).await;
    shutdown.cancel();
    working.await?;
    served
}
