//! `blindsum demo`: a whole federation on this machine, with real data, processes and faults.

mod args;
mod averaging;
mod cast;
mod cheating;
mod digits;
mod federation;
mod forgery;
mod influence;
mod learner;
mod misdeeds;
mod network;
mod payday;
mod record;
mod report;
mod round;
mod split;
mod terms;
mod training;
mod training_plan;

use std::time::Instant;

use local::databases;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use self::args::Args;
use self::{federation::Federation, record::Record, report::Report};
use crate::{
    error::{CommandError, Result},
    installation::{Installation, Options},
    output::Output,
};

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
    let min_cohort_floor = Some(influence::MIN_COHORT.min(cast::min_cohort(args.clients.into()) as u32));
    let options = Options { origin: "blindsum.demo/log", min_cohort_floor, ..Options::default() };
    let installation = Installation::start(args.dir.as_deref(), &options, output).await?;
    let folder = installation.workplace.path();
    let federation = Federation::assemble(args, &installation).await?;
    let rounds = training::run(&federation, args, output).await?;
    let url = installation.cluster.url(databases::AGGREGATOR);
    let record = Record::read(&url).await?;
    output.note("Four hospitals, of which the smallest cheats …");
    let influence = influence::measure(&federation, &installation).await?;
    let outcomes: Vec<_> = rounds.iter().map(|round| &round.outcome).collect();
    let auditor_url = installation.cluster.url_as(databases::AGGREGATOR, databases::AUDITOR);
    let payday = payday::pay(&federation, &outcomes, &auditor_url, folder, output).await?;
    let report = Report {
        args,
        federation: &federation,
        rounds: &rounds,
        record: &record,
        influence: &influence,
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
