//! `blindsum audit verify`: checks everything that `audit fetch` wrote to a folder against the
//! signatures and against each other.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use audit::{Books, BundleJson, Proofs, RoundReport, verify_round};
use ledger::note::Verifier;
use names::{PublicKey, RoundId};
use protocol::Pins;
use rand::rngs::OsRng;
use serde::Serialize;

use super::{fetch::fetch, log, round_folder::RoundFolder};
use crate::{
    connection::AggregatorArgs,
    error::{CommandError, Result},
    output::Output,
    pins_file,
};

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The keys to trust, as for participants. Without them the keys are those that the document
    /// names, and the round could be anybody's.
    #[arg(long, env = "BLINDSUM_PINS", value_name = "FILE")]
    pins: Option<PathBuf>,
    #[command(flatten)]
    demands: Demands,
    /// Download this round from the aggregator first: to the folder if one is given, else to one
    /// that is removed afterwards.
    #[arg(long, value_name = "ROUND", requires_all = ["aggregator", "pins"])]
    round: Option<RoundId>,
    /// The aggregator of --round: https, or http on this machine.
    #[arg(long, env = "BLINDSUM_AGGREGATOR", value_name = "URL")]
    aggregator: Option<String>,
    /// Certificate authority to trust beside the system's, PEM.
    #[arg(long, env = "BLINDSUM_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A folder that `audit fetch` wrote.
    #[arg(required_unless_present = "round")]
    folder: Option<PathBuf>,
}

/// What is demanded of a folder beside its own consistency.
#[derive(Debug, Default, clap::Args)]
struct Demands {
    /// A checkpoint of the log from earlier or from elsewhere, which the log has to continue. May
    /// be given several times.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A witness's verifier key, `name+number+base64`, which has to have signed one of the
    /// checkpoints. May be given several times.
    #[arg(long, value_name = "VKEY")]
    witness: Vec<Verifier>,
    /// Verify the norm proofs of so many contributions only, drawn at random; all else is verified
    /// in full.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
}

/// The verdict on a folder that has no fault.
#[derive(Debug, Serialize)]
struct FolderVerdict {
    round_hash: String,
    members: usize,
    proofs: usize,
    /// If only a sample of the proofs was verified: the number of wrong proofs that it would have
    /// revealed with a probability of 99 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<Sample>,
    residual_max: u64,
    pinned: bool,
    /// `None` if the folder has no log.
    log: Option<LogVerdict>,
}

#[derive(Debug, Serialize)]
struct Sample {
    wrong_proofs_found_at_99_percent: Option<usize>,
}

#[derive(Debug, Serialize)]
struct LogVerdict {
    size: u64,
    transfers: usize,
    batches: usize,
    paid: bool,
}

pub(super) async fn run(args: &VerifyArgs, output: &Output) -> Result<()> {
    let temporary = tempfile::tempdir().map_err(CommandError::file(&std::env::temp_dir()))?;
    let folder = args.folder.clone().unwrap_or_else(|| temporary.path().join("round"));
    let pinned = args.pins.as_deref().map(pins_file::read).transpose()?;
    if let (Some(round), Some(aggregator), Some(pins)) = (args.round, args.aggregator.clone(), &pinned) {
        let server = AggregatorArgs { aggregator, ca: args.ca.clone() };
        let client = server.observe(pins.clone(), &temporary.path().join("state"), output)?;
        fetch(&client, round, &folder).await?;
    }
    let mut folder = RoundFolder::new(&folder);
    let bundle = folder.read_bundle()?;
    let is_pinned = pinned.is_some();
    let pins = match pinned {
        Some(pins) => pins,
        None => {
            output.note("no --pins: the keys are those that the round document names");
            bundle.stated_pins()?
        }
    };
    let mut verdict = check(&mut folder, bundle, &pins, &args.demands, output)?;
    verdict.pinned = is_pinned;
    output.answer(&verdict, &verdict);
    Ok(())
}

/// Verifies a folder of `audit fetch` under these keys. Returns the numbers of contributions and of
/// norm proofs.
pub(crate) fn verify(folder: &Path, pins: &Pins, output: &Output) -> Result<(usize, usize)> {
    let mut folder = RoundFolder::new(folder);
    let bundle = folder.read_bundle()?;
    let verdict = check(&mut folder, bundle, pins, &Demands::default(), output)?;
    Ok((verdict.members, verdict.proofs))
}

fn check(
    folder: &mut RoundFolder,
    bundle: BundleJson,
    pins: &Pins,
    demands: &Demands,
    output: &Output,
) -> Result<FolderVerdict> {
    let bundle = bundle.accept(pins)?;
    let proofs = demands.sample.map_or(Proofs::All, Proofs::Sample);
    let bar = output.bar(bundle.steps(), "verifying");
    let round = verify_round(&bundle, proofs, folder, &mut OsRng, &mut || bar.inc(1));
    bar.finish_and_clear();
    let round = round?;
    let found = |_| Sample { wrong_proofs_found_at_99_percent: round.found_at_99_percent() };
    Ok(FolderVerdict {
        round_hash: round.round_hash().to_string(),
        members: round.members,
        proofs: round.proofs,
        sample: demands.sample.filter(|_| bundle.demands_proofs()).map(found),
        residual_max: round.residual_max,
        pinned: true,
        log: check_log(folder, &round, pins.aggregator, demands, output)?,
    })
}

/// Checks the log against its checkpoints, the round and its payouts against the log, and all
/// books.
fn check_log(
    folder: &RoundFolder,
    round: &RoundReport,
    aggregator: PublicKey,
    demands: &Demands,
    output: &Output,
) -> Result<Option<LogVerdict>> {
    let Demands { checkpoint, witness, .. } = demands;
    if !folder.log().exists() {
        if !checkpoint.is_empty() || !witness.is_empty() {
            let rule = "and --witness need the log, which is not in the folder";
            return Err(CommandError::Argument { argument: "--checkpoint", rule });
        }
        output.note("the folder has no log: whether the round is on record was not looked at");
        return Ok(None);
    }
    let log = log::read(folder, aggregator, checkpoint, witness)?;
    let paid = log.check_round(round)?;
    let Books { transfers, batches } = log.check_books()?;
    Ok(Some(LogVerdict { size: log.checkpoint().size, transfers, batches, paid }))
}

impl fmt::Display for FolderVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, proofs, .. } = self;
        write!(f, "verified: {members} contributions, {proofs} norm proofs, and their sum")?;
        if let Some(Sample { wrong_proofs_found_at_99_percent }) = self.sample {
            let number =
                wrong_proofs_found_at_99_percent.map_or("no number of".into(), |n| format!("{n} or more"));
            write!(f, "\n{proofs} of {members} proofs were drawn at random: {number} wrong ones ")?;
            write!(f, "would have been found with a probability of 99 %")?;
        }
        if let Some(LogVerdict { size, transfers, batches, paid }) = self.log {
            let paid = if paid { "the round is paid as its terms say" } else { "the round is not paid yet" };
            write!(f, "\nlog: {size} entries, {transfers} transfers, {batches} batches; {paid}")?;
        }
        Ok(())
    }
}
