//! The combiner's own program. `blindsum serve combiner` is the same.

use std::{error::Error, path::PathBuf};

use clap::Parser;

/// Holds a share of every mask key and releases only sums.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The configuration; variables `COMBINER__SECTION__KEY` win over it.
    #[arg(long, env = "COMBINER_CONFIG")]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let config = kit::config::load(args.config.as_deref(), "COMBINER")?;
    Ok(combiner::run(config, kit::shutdown::on_signal()?).await?)
}
