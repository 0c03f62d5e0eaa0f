//! `blindsum demo`: a whole federation on this machine, with a real data set, real processes and real faults.

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
mod postgres;
mod record;
mod report;
mod round;
mod services;
mod split;
mod training_plan;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Instant,
};

use api::rounds::ProofDemand;
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use self::{federation::Federation, record::Record, report::Report, services::Services};
use crate::{
    error::{CommandError, Result},
    output::Output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Clients.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(20..=1000))]
    clients: u16,
    /// Rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(3..=100))]
    rounds: u16,
    /// The proof that rounds demand. Without one, an update a hundred times too long enters every sum.
    #[arg(long, value_enum, default_value_t = ProofArg::NormV1)]
    proof: ProofArg,
    /// Seed of the split, the training and the cast. Keys and masks are never seeded.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Folder for databases, blobs, logs and keys; a temporary one if absent.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave the folder and the running database cluster behind.
    #[arg(long)]
    keep: bool,
    /// Write the audit bundle of each round to DIR/round-1, DIR/round-2, and so on.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Which proof the demo's rounds demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ProofArg {
    /// None.
    None,
    /// A zero-knowledge proof of the norm.
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
    let workplace = Workplace::new(args.dir.as_deref())?;
    let cluster = postgres::start(workplace.path(), output).await?;
    let services = Services::start(workplace.path(), &cluster, output).await?;
    let federation = Federation::assemble(args, workplace.path(), services).await?;
    let rounds = federation.run(args, output).await?;
    let url = cluster.url(services::AGGREGATOR);
    let record = Record::read(&url).await?;
    let outcomes: Vec<_> = rounds.iter().map(|round| &round.outcome).collect();
    let auditor_url = cluster.url_as(services::AGGREGATOR, services::AUDITOR);
    let payday = payday::pay(&federation, &outcomes, &auditor_url, workplace.path(), output).await?;
    let report = Report {
        args,
        federation: &federation,
        rounds: &rounds,
        record: &record,
        payday: &payday,
        elapsed: start.elapsed(),
    };
    report.print(args.keep.then_some((&url, workplace.path())), output);
    let outcome = report.verdict();
    drop(federation);
    if args.keep {
        cluster.leave_running().map_err(CommandError::Runtime)?;
        workplace.keep();
    }
    outcome
}

/// The demo's folder. Subordinate processes run as other users may pass through it; what is in it protects
/// itself.
enum Workplace {
    Given(PathBuf),
    Temporary(TempDir),
}

impl Workplace {
    fn new(given: Option<&Path>) -> Result<Self> {
        let workplace = match given {
            Some(path) => {
                fs::create_dir_all(path).map_err(CommandError::file(path))?;
                Self::Given(path.canonicalize().map_err(CommandError::file(path))?)
            }
            None => {
                let folder = tempfile::Builder::new().prefix("blindsum-").tempdir();
                Self::Temporary(folder.map_err(CommandError::file(std::env::temp_dir()))?)
            }
        };
        let path = workplace.path();
        fs::set_permissions(path, Permissions::from_mode(0o711)).map_err(CommandError::file(path))?;
        Ok(workplace)
    }

    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    fn keep(self) {
        if let Self::Temporary(folder) = self {
            let _kept = folder.keep();
        }
    }
}
