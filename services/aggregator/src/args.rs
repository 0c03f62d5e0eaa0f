//! The command line.

use std::path::PathBuf;

use kit::{Result, postgres, shutdown, telemetry};

use crate::{Config, migrate, run};

/// The aggregator receives masked updates, adds them, and publishes only the sum.
#[derive(Debug, clap::Parser)]
#[command(version, about)]
pub struct Args {
    /// Configuration file (TOML). The environment (AGGREGATOR__SECTION__KEY) overrides it.
    #[arg(long, env = "AGGREGATOR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Apply missing migrations before serving. The configured role must own the database. The
    /// owner can rewrite the tables, so `aggregator_rw` is the better role to serve as.
    #[arg(long)]
    migrate: bool,
    /// Apply missing migrations and exit. The configured role must own the database.
    #[arg(long, conflicts_with = "migrate")]
    migrate_only: bool,
}

impl Args {
    /// Reads the configuration and serves until a signal asks the process to stop.
    ///
    /// # Errors
    /// Those of [`run`].
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
