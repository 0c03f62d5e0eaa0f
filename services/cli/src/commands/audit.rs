//! `blindsum audit`.

pub(crate) mod chain;
mod fetch;
mod log;
mod round_folder;
mod verify;

use std::path::{Path, PathBuf};

use audit::BundleJson;
use clap::Subcommand;
use names::RoundId;
use serde_json::{Value, json};

use self::round_folder::RoundFolder;
pub(crate) use self::{fetch::fetch, verify::verify};
use crate::{connection::ClientArgs, error::Result, output::Output};

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Summarise a bundle. Nothing is verified.
    Show(ShowArgs),
    /// Recompute a round from what `audit fetch` wrote, or would write, trusting neither server:
    /// signatures, credentials, norm proofs, the sum; and from the log, that it says the same,
    /// continues earlier checkpoints, and that payouts, books and payout trees are right.
    ///
    /// Names the first thing that is wrong and exits with 5.
    Verify(verify::VerifyArgs),
    /// Compare the rows of the aggregator's database with its log, and the log with its hashes and
    /// its last signed checkpoint.
    ///
    /// Names the first table, row and column that is wrong and exits with 5.
    Chain(chain::ChainArgs),
    /// Download everything that is public about a round, and the log: bundle.json, bodies/, sum and
    /// log/.
    Fetch(FetchArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// A bundle's file, or a folder that `audit fetch` wrote.
    bundle: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct FetchArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// The round.
    round: RoundId,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) async fn run(audit: Audit, output: &Output) -> Result<()> {
    match audit {
        Audit::Show(args) => show(&args.bundle, output),
        Audit::Verify(args) => verify::run(&args, output).await,
        Audit::Chain(args) => chain::run(&args, output).await,
        Audit::Fetch(args) => {
            let client = args.client.connect(output)?;
            let members = fetch(&client, args.round, &args.out).await?;
            let words = format!("round {}: {members} contributions, in {}", args.round, args.out.display());
            output.answer(words, &json!({ "round_id": args.round, "members": members, "folder": args.out }));
            Ok(())
        }
    }
}

fn show(path: &Path, output: &Output) -> Result<()> {
    let bundle = match path.is_dir() {
        true => RoundFolder::new(path).read_bundle()?,
        false => round_folder::read_bundle(path)?,
    };
    let summary = summarise(&bundle)?;
    let lines: Vec<_> = summary.iter().map(|(name, value)| format!("{name:18} {}", plain(value))).collect();
    let value: serde_json::Map<_, _> =
        summary.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    output.answer(lines.join("\n"), &value);
    Ok(())
}

fn summarise(bundle: &BundleJson) -> Result<Vec<(&'static str, Value)>> {
    let (document, result, headers) = (bundle.document()?, bundle.result()?, bundle.headers()?);
    let subjects: Vec<_> = headers.iter().map(|header| header.credential.subject.as_str()).collect();
    let combiners: Vec<_> =
        document.holders.iter().skip(1).map(|holder| holder.identity_key.to_string()).collect();
    Ok(vec![
        ("round_id", document.round_id.to_string().into()),
        ("round_hash", document.hash().to_string().into()),
        ("model_digest", document.model_digest.to_string().into()),
        ("dimension", document.dimension.into()),
        ("clip", document.clip.into()),
        ("cohort", json!([document.min_cohort, document.max_contributions])),
        ("opens_at_ms", document.opens_at_ms.into()),
        ("closes_at_ms", document.closes_at_ms.into()),
        ("aggregator", bundle.aggregator_key().to_string().into()),
        ("combiners", combiners.into()),
        ("registrar", document.registrar_key.to_string().into()),
        ("members", subjects.into()),
        ("total_weight", result.total_weight.into()),
        ("answers", bundle.answer_count().into()),
        ("root", result.root.to_string().into()),
        ("sum_digest", result.sum_digest.to_string().into()),
        ("residual_max", result.residual_max.into()),
    ])
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
