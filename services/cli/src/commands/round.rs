//! `blindsum round`: create, watch and end rounds, and fetch results.

use std::{path::PathBuf, time::Duration};

use api::rounds::{RoundState, RoundView};
use clap::Subcommand;
use names::RoundId;
use serde_json::json;

use crate::{
    connection::{ClientArgs, OperatorArgs},
    error::{CommandError, Result},
    output::Output,
    round_spec, update_file,
};

/// How often `watch` asks for the state of a round.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Subcommand)]
pub(crate) enum Round {
    /// Create a round from a description.
    ///
    /// The file is JSON or TOML, with the fields of POST /v1/rounds. docs/api.md lists them. Upload
    /// the model before, with `blindsum model put`. The round opens when every combiner has
    /// countersigned it.
    Create(CreateArgs),
    /// List all rounds, with state and counts.
    List(ClientArgs),
    /// Show the state and the counts of a round.
    Show(ReadArgs),
    /// Wait until a round ends. Fails unless the round is published.
    Watch(ReadArgs),
    /// End the uploads of a round now. The aggregator then sums and publishes it.
    Close(OperateArgs),
    /// End a round for good, without a result.
    Cancel(OperateArgs),
    /// Fetch the sum of a round, check it, and write the mean as safetensors.
    Result(ResultArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    /// File with the description, named .json or .toml.
    #[arg(long, value_name = "FILE")]
    spec: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Id of the round.
    round: RoundId,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OperateArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    /// Id of the round.
    round: RoundId,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResultArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Id of the round.
    round: RoundId,
    /// File for the mean.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(crate) async fn run(round: Round, output: &Output) -> Result<()> {
    match round {
        Round::Create(args) => {
            let spec = round_spec::read(&args.spec)?;
            let view = args.operator.connect(output)?.create_round(&spec).await?;
            output.answer(describe(&view), &view);
        }
        Round::List(client) => {
            let rounds = client.connect(output)?.rounds().await?;
            let lines: Vec<_> = rounds.iter().map(describe).collect();
            output.answer(lines.join("\n"), &json!({ "rounds": rounds }));
        }
        Round::Show(args) => {
            let view = args.client.connect(output)?.round(args.round).await?;
            output.answer(describe(&view), &view);
        }
        Round::Watch(args) => watch(args, output).await?,
        Round::Close(args) => {
            args.operator.connect(output)?.close_round(args.round).await?;
            output.answer(
                format_args!("round {} takes no more contributions", args.round),
                &json!({ "round_id": args.round }),
            );
        }
        Round::Cancel(args) => {
            args.operator.connect(output)?.cancel_round(args.round).await?;
            output.answer(
                format_args!("round {} has ended without a result", args.round),
                &json!({ "round_id": args.round }),
            );
        }
        Round::Result(args) => result(args, output).await?,
    }
    Ok(())
}

async fn watch(args: ReadArgs, output: &Output) -> Result<()> {
    let client = args.client.connect(output)?;
    let bar = output.spinner("");
    let view = loop {
        let view = client.round(args.round).await?;
        bar.set_message(describe(&view));
        match view.state {
            RoundState::Published => break view,
            RoundState::Failed | RoundState::Cancelled => {
                let failure = view.failure.map(|failure| failure.title);
                return Err(CommandError::RoundEnded { state: name(view.state), failure });
            }
            _ => tokio::time::sleep(WATCH_INTERVAL).await,
        }
    };
    bar.finish_and_clear();
    output.answer(describe(&view), &view);
    Ok(())
}

async fn result(args: ResultArgs, output: &Output) -> Result<()> {
    let client = args.client.connect(output)?;
    let round = client.open_round(args.round).await?;
    let sum = client.result_sum(&round).await?;
    update_file::write(&args.out, &round, &sum.mean(&round))?;
    let words = format!("mean of {} contributions, written to {}", sum.result.count, args.out.display());
    let value = json!({
        "round_id": args.round,
        "count": sum.result.count,
        "total_weight": sum.result.total_weight,
        "root": sum.result.root.to_string(),
        "sum_digest": sum.result.sum_digest.to_string(),
        "file": args.out,
    });
    output.answer(words, &value);
    Ok(())
}

fn describe(view: &RoundView) -> String {
    let counts = &view.progress;
    let waits = view.waiting.as_ref();
    let waits = waits.map(|waits| format!(", waits for combiner {}: {}", waits.holder, waits.reason));
    format!(
        "{} {}: {} coordinates, {} received, {} verified, {} rejected, {} included, {} excluded (cohort {} to {}){}",
        view.round_id,
        name(view.state),
        view.dimension,
        counts.received,
        counts.verified,
        counts.rejected,
        counts.included,
        counts.excluded,
        view.min_cohort,
        view.max_contributions,
        waits.unwrap_or_default(),
    )
}

/// The name of a state, as in JSON.
pub(crate) fn name(state: RoundState) -> String {
    match serde_json::to_value(state) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{state:?}"),
    }
}
