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
pub mod record;
mod refusal;
mod routes;
mod schema;
mod state;
mod store;
mod vault;

pub use args::Args;
pub use config::Config;
use futures::future::BoxFuture;
use kit::{Result, shutdown::CancellationToken};
pub use schema::{SCHEMA, migrate};

/// Serves and works until `shutdown`: requests in progress are answered, jobs in progress given back.
///
/// The database has to be migrated ([`migrate`]); one that a later version has migrated will do.
///
/// # Errors
/// A fault: the configuration breaks a rule, something that it names cannot be opened, the address cannot be bound.
pub fn run(config: Config, shutdown: CancellationToken) -> BoxFuture<'static, Result<()>> {
    // Boxed, so that the whole service is compiled with this crate and not again with each that runs it.
    Box::pin(serve(config, shutdown))
}

async fn serve(config: Config, shutdown: CancellationToken) -> Result<()> {
    // An error means that a provider is installed already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let app = state::App::build(&config).await?;
    let working = tokio::spawn(jobs::run(app.clone(), shutdown.clone()));
    let served = kit::serve::serve(routes::router(app), &config.listen, shutdown.clone()).await;
    shutdown.cancel();
    working.await?;
    served
}
