//! The command line.

use std::path::PathBuf;

use kit::{Result, postgres, shutdown, telemetry};

use crate::{Config, migrate, run};

/// The homomorphic aggregator.
#[derive(Debug, clap::Parser)]
#[command(version, about)]
pub struct Args {
    /// Configuration file (TOML). The environment (AGGREGATOR__SECTION__KEY) wins over it.
    #[arg(long, env = "AGGREGATOR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Applies missing migrations before serving. The configured role must own the database. The owner can
    /// rewrite the tables, so `aggregator_rw` is the better role to serve as.
    #[arg(long)]
    migrate: bool,
    /// Applies missing migrations, as the database's owner, and ends.
    #[arg(long, conflicts_with = "migrate")]
    migrate_only: bool,
}

impl Args {
    /// Reads the configuration and serves until a signal to stop.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn serve(self) -> Result<()> {
        let config: Config = kit::config::load(self.config.as_deref(), "AGGREGATOR")?;
        telemetry::init(config.log.format);
        if self.migrate || self.migrate_only {
            let pool = postgres::connect(&config.database).await?;
            migrate(&pool).await?;
            pool.close().await;
        }
        if self.migrate_only {
            return Ok(());
        }
        run(config, shutdown::on_signal()?).await
    }
}
