//! The combiner as a program of its own.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match combiner::Args::parse().serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("combiner: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}
