//! The aggregator as a program of its own.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match aggregator::Args::parse().serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aggregator: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}
