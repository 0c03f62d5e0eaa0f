//! `blindsum`: one command for participants, operators, auditors and both services.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
