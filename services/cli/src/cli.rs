//! The arguments.

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        audit, bench, contribute, db, demo, enrol, keygen, local, model, payout, registrar, round, serve,
    },
    error::Result,
    output::Output,
};

const EXIT_CODES: &str = "\
Exit codes:
  0   done
  1   failed
  2   wrong usage
  3   refused by a server (an answer of 400 to 499)
  4   a server could not be reached, was too slow or too busy
  5   what a server said, or the record of a round, does not verify
  75  not ready yet; try again later";

/// Privacy-preserving secure aggregation: sums of updates that nobody sees.
#[derive(Debug, Parser)]
#[command(name = "blindsum", version = env!("BLINDSUM_VERSION"), after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Print one JSON object as the last line of the standard output, and everything else to the
    /// standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole federation on this machine: databases, services, clients, faults.
    Demo(demo::Args),
    /// Run an aggregator and a combiner on this machine, for a notebook or a test.
    ///
    /// Starts a private PostgreSQL cluster, both services and everybody's keys, and enrols
    /// participants. As soon as everything serves, it prints one JSON object in one line that says
    /// how to reach and use it. It ends with Ctrl-C, with SIGTERM, and with the process that started
    /// it. Then everything is stopped, and removed unless --dir names the folder.
    Local(local::Args),
    /// Measure what one contribution costs on this machine.
    Bench(bench::Args),
    /// Run a service.
    #[command(subcommand)]
    Serve(serve::Service),
    /// Make databases and bring them up to date.
    #[command(subcommand)]
    Db(db::Db),
    /// Make an Ed25519 key.
    Keygen(keygen::Args),
    /// What the registrar does.
    #[command(subcommand)]
    Registrar(registrar::Registrar),
    /// Upload models.
    #[command(subcommand)]
    Model(model::Model),
    /// Create, watch and end rounds, and fetch their results.
    #[command(subcommand)]
    Round(round::Round),
    /// Make a participant known to the aggregator.
    Enrol(enrol::Args),
    /// Mask an update and send it.
    Contribute(contribute::Args),
    /// What contributions earned, and where it is paid.
    #[command(subcommand)]
    Payout(payout::Payout),
    /// Look at the public record of a round.
    #[command(subcommand)]
    Audit(audit::Audit),
}

impl Command {
    pub(crate) async fn run(self, output: &Output) -> Result<()> {
        match self {
            Self::Demo(args) => demo::run(args, output).await,
            Self::Local(args) => local::run(args, output).await,
            Self::Bench(args) => bench::run(args, output),
            Self::Serve(service) => serve::run(service).await,
            Self::Db(db) => db::run(db, output).await,
            Self::Keygen(args) => keygen::run(&args, output),
            Self::Registrar(registrar) => registrar::run(registrar, output),
            Self::Model(model) => model::run(model, output).await,
            Self::Round(round) => round::run(round, output).await,
            Self::Enrol(args) => enrol::run(args, output).await,
            Self::Contribute(args) => contribute::run(args, output).await,
            Self::Payout(payout) => payout::run(payout, output).await,
            Self::Audit(audit) => audit::run(audit, output).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_names_every_exit_code() {
        let help = Cli::command().render_help().to_string();
        for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "75 "] {
            assert!(help.lines().any(|line| line.trim_start().starts_with(code)), "{code}");
        }
    }

    #[test]
    fn json_may_stand_after_the_command() {
        let cli = Cli::try_parse_from(["blindsum", "demo", "--clients", "20", "--json"]).unwrap();
        assert!(cli.json);
        assert!(Cli::try_parse_from(["blindsum", "demo", "--clients", "19"]).is_err());
        assert!(Cli::try_parse_from(["blindsum", "demo", "--rounds", "2"]).is_err());
    }
}
