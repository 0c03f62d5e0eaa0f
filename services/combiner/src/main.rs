//! The combiner's own program. `blindsum serve combiner` is the same.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use kit::{Result, shutdown};

/// Holds a share of every mask key and releases only sums.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The configuration; variables `COMBINER__SECTION__KEY` win over it.
    #[arg(long, env = "COMBINER_CONFIG")]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("combiner: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> Result<()> {
    let config = kit::config::load(args.config.as_deref(), "COMBINER")?;
    combiner::run(config, shutdown::on_signal()?).await
}
