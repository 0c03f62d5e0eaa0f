//! `blindsum demo`: a whole federation on this machine, with real data, processes and faults.

mod averaging;
mod cast;
mod cheating;
mod digits;
mod federation;
mod forgery;
mod learner;
mod misdeeds;
mod network;
mod payday;
mod record;
mod report;
mod round;
mod split;
mod training_plan;

use std::{path::PathBuf, time::Instant};

use api::rounds::ProofDemand;
use local::databases;
use tokio::signal::unix::{SignalKind, signal};

use self::{federation::Federation, record::Record, report::Report};
use crate::{
    error::{CommandError, Result},
    installation::{Installation, Options},
    output::Output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of clients.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(20..=1000))]
    clients: u16,
    /// Number of rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(3..=100))]
    rounds: u16,
    /// Proof that every contribution must carry. Without one, an update a hundred times too long
    /// enters each sum.
    #[arg(long, value_enum, default_value_t = ProofArg::NormV1)]
    proof: ProofArg,
    /// Seed of the data split, the training and the roles of clients. Keys and masks are never
    /// seeded.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Folder for databases, objects, logs and keys. Default: a temporary one.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Keep the folder and the running database cluster, to look at the record.
    #[arg(long)]
    keep: bool,
    /// Write the audit bundle of each round to DIR/round-1, DIR/round-2, and so on.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The proof that the rounds of the demo demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ProofArg {
    /// No proof.
    None,
    /// A zero-knowledge proof that the update is within the norm bound.
    NormV1,
}

impl From<ProofArg> for ProofDemand {
    fn from(proof: ProofArg) -> Self {
        match proof {
            ProofArg::None => Self::None,
            ProofArg::NormV1 => Self::NormV1,
        }
    }
}

pub(crate) async fn run(args: Args, output: &Output) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::Runtime)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::Runtime)?;
    tokio::select! {
        outcome = demonstrate(&args, output) => outcome,
        _ = interrupt.recv() => Err(CommandError::Interrupted),
        _ = terminate.recv() => Err(CommandError::Interrupted),
    }
}

async fn demonstrate(args: &Args, output: &Output) -> Result<()> {
    let start = Instant::now();
    let options = Options { origin: "blindsum.demo/log", ..Options::default() };
    let installation = Installation::start(args.dir.as_deref(), &options, output).await?;
    let folder = installation.workplace.path();
    let federation = Federation::assemble(args, &installation).await?;
    let rounds = federation.run(args, output).await?;
    let url = installation.cluster.url(databases::AGGREGATOR);
    let record = Record::read(&url).await?;
    let outcomes: Vec<_> = rounds.iter().map(|round| &round.outcome).collect();
    let auditor_url = installation.cluster.url_as(databases::AGGREGATOR, databases::AUDITOR);
    let payday = payday::pay(&federation, &outcomes, &auditor_url, folder, output).await?;
    let report = Report {
        args,
        federation: &federation,
        rounds: &rounds,
        record: &record,
        payday: &payday,
        elapsed: start.elapsed(),
    };
    report.print(args.keep.then_some((&url, folder)), output);
    let outcome = report.verdict();
    drop(federation);
    if args.keep {
        installation.keep()?;
    }
    outcome
}
