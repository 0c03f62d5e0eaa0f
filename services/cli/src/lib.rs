//! The `blindsum` command line. Each command is a file of `commands`. A command prints one answer,
//! or returns an error that decides the exit code.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod connection;
mod error;
mod installation;
mod key_file;
mod output;
mod pins_file;
mod round_spec;
mod update_file;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Cli, output::Output};

/// Runs the command that the arguments of the process name. Prints its error, if it fails.
pub fn run() -> ExitCode {
    let Cli { json, command } = Cli::parse();
    let output = Output::new(json);
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(error::CommandError::Runtime)
        .and_then(|runtime| runtime.block_on(command.run(&output)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output.failed(&error),
    }
}
