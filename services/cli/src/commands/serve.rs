//! `blindsum serve`.

use std::path::PathBuf;

use clap::Subcommand;
use kit::shutdown;

use crate::error::{CommandError, Result};

#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// The aggregator: receives, verifies, adds, records, publishes.
    Aggregator(aggregator::Args),
    /// The combiner: countersigns, attests, releases once.
    Combiner(CombinerArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CombinerArgs {
    /// Configuration file (TOML). The environment (COMBINER__SECTION__KEY) wins over it.
    #[arg(long, env = "COMBINER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) async fn run(service: Service) -> Result<()> {
    match service {
        Service::Aggregator(args) => args.serve().await?,
        Service::Combiner(args) => {
            let config = kit::config::load(args.config.as_deref(), "COMBINER")?;
            combiner::run(config, shutdown::on_signal().map_err(CommandError::Runtime)?).await?;
        }
    }
    Ok(())
}
