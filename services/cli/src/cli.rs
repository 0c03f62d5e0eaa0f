//! The command line: all commands, and the exit codes in the help.

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

/// Sum model updates of many participants without seeing any single one.
///
/// One program for participants, operators, auditors, the registrar and both services. Each command
/// explains itself: `blindsum COMMAND --help`.
#[derive(Debug, Parser)]
#[command(name = "blindsum", version = env!("BLINDSUM_VERSION"), after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Print the answer as one JSON object, the last line of the standard output. Everything else
    /// goes to the standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole federation on this machine, with clients that fail and clients that cheat.
    ///
    /// Starts a private PostgreSQL cluster, both services and all clients. The clients train a
    /// small classifier of handwritten digits for a few rounds. Some vanish, some send forged
    /// contributions. At the end, the demo compares every secure sum with the plain sum, pays the
    /// clients, audits the record, and prints a report. It fails if a sum differs.
    Demo(demo::Args),
    /// Run an aggregator and a combiner on this machine, for a notebook or a test.
    ///
    /// Starts a private PostgreSQL cluster and both services, makes all keys, and enrols
    /// participants. When everything serves, it prints one line: a JSON object that says how to
    /// reach and use it. It ends with Ctrl-C, with SIGTERM, or with the process that started it.
    /// Then it stops everything, and deletes it unless --dir names the folder.
    Local(local::Args),
    /// Measure what one contribution costs on this machine, phase by phase.
    ///
    /// Everything happens in memory, without network and database. The figures are medians in
    /// milliseconds.
    Bench(bench::Args),
    /// Run the aggregator or the combiner.
    #[command(subcommand)]
    Serve(serve::Service),
    /// Create the databases of the services, and migrate them.
    #[command(subcommand)]
    Db(db::Db),
    /// Make an identity key, and print its public half.
    ///
    /// The registrar, the services and every participant need one each. Give the public half to the
    /// parties that are to trust the key.
    Keygen(keygen::Args),
    /// Sign credentials, as the registrar.
    #[command(subcommand)]
    Registrar(registrar::Registrar),
    /// Upload models, as the operator.
    #[command(subcommand)]
    Model(model::Model),
    /// Create, watch and end rounds, and fetch their results.
    #[command(subcommand)]
    Round(round::Round),
    /// Enrol a participant with the aggregator.
    ///
    /// Enrol again after each new credential, and before the first round that counts its epoch. The
    /// credentials of other epochs stay enrolled, so contribute to their rounds with them.
    /// Repeating the command is harmless.
    Enrol(enrol::Args),
    /// Mask an update and send it to a round.
    ///
    /// The update leaves this machine only in masked form. If the upload fails, run the same
    /// command again: it sends the same bytes. An update that went to one round is refused in every
    /// other round.
    Contribute(contribute::Args),
    /// Show what contributions earned, say where to pay it, and export batches.
    #[command(subcommand)]
    Payout(payout::Payout),
    /// Check the public record of rounds, and the books against the log.
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
