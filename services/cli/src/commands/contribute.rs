//! `blindsum contribute`: mask an update and upload it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use client::{Contribution, Floors, Phase, Progress, ProgressFn};
use indicatif::ProgressBar;
use names::RoundId;
use serde_json::json;

use crate::{
    connection::{ClientArgs, ParticipantArgs},
    error::Result,
    output::Output,
    update_file,
};

/// How long the command waits for combiners to take the receipt.
const HANDING_OVER: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    participant: ParticipantArgs,
    /// Id of the round, as `blindsum round list` shows it.
    #[arg(long, value_name = "ID")]
    round: RoundId,
    /// Weight: the contribution counts as this many times the update. The round limits it.
    #[arg(long, default_value_t = 1)]
    weight: u32,
    /// URL of a combiner to which the receipt is handed. The combiner then knows of the
    /// contribution even if the aggregator hides it. May be given more than once.
    #[arg(long, env = "BLINDSUM_COMBINERS", value_name = "URL", value_delimiter = ',')]
    combiner: Vec<String>,
    /// Refuse rounds that may sum fewer participants than this.
    #[arg(long, env = "BLINDSUM_MIN_COHORT", value_name = "N", default_value_t = Floors::default().min_cohort)]
    min_cohort: u32,
    /// Refuse rounds whose cohort may have a smaller effective size than this. The effective size
    /// is (Σw)²/Σw², with w the weights of the members.
    #[arg(long, env = "BLINDSUM_MIN_EFFECTIVE", value_name = "N", default_value_t = Floors::default().min_effective)]
    min_effective: u32,
    /// Refuse rounds in which one participant may have more than this share of the weight.
    #[arg(long, env = "BLINDSUM_MAX_SHARE", value_name = "SHARE", default_value = "1", value_parser = share_ppm)]
    max_share: u32,
    /// Refuse rounds that demand no proof of the norm.
    #[arg(long, env = "BLINDSUM_REQUIRE_PROOF")]
    require_proof: bool,
    /// File with the update: safetensors, F32, with the tensor names and shapes of the round.
    file: PathBuf,
}

/// A share from 0 to 1, in whole millionths. Anything smaller is dropped, so that no more is
/// accepted than was asked for.
fn share_ppm(text: &str) -> std::result::Result<u32, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.0..=1.0).contains(&share) {
        true => Ok((share * 1e6) as u32),
        false => Err("not a share from 0 to 1".to_owned()),
    }
}

pub(crate) async fn run(args: Args, output: &Output) -> Result<()> {
    let participant = args.participant.read()?;
    let floors = Floors {
        min_cohort: args.min_cohort,
        min_effective: args.min_effective,
        max_share_ppm: args.max_share,
        norm_proof: args.require_proof,
    };
    let client = args.client.connect_with(floors, args.combiner, output)?;
    let round = client.open_round(args.round).await?;
    client.check_floors(&round)?;
    let update = update_file::read(&args.file, &round)?;
    let bar = output.bar(1, "quantising");
    let sent = client.contribute(&round, &participant, &update, args.weight, show(&bar)).await;
    bar.finish_and_clear();
    client.finish_handing_over(HANDING_OVER).await;
    let Contribution { id, receipt, bytes, preparation, .. } = sent?;
    let clip_ratio = preparation.as_ref().map(|preparation| preparation.quantised.clip_ratio());
    let words = match clip_ratio {
        None => format!("contribution {id}: the message of an earlier run was stored ({bytes} bytes)"),
        Some(1.0) => format!("contribution {id}: stored ({bytes} bytes)"),
        Some(ratio) => {
            format!("contribution {id}: clipped to {ratio:.3} of its length and stored ({bytes} bytes)")
        }
    };
    let value = json!({
        "round_id": args.round,
        "contribution_id": id,
        "bytes": bytes,
        "clip_ratio": clip_ratio,
        "resumed": clip_ratio.is_none(),
        "received_at_ms": receipt.received_at_ms,
        "included_by_ms": receipt.included_by_ms,
    });
    output.answer(words, &value);
    Ok(())
}

fn show(bar: &ProgressBar) -> ProgressFn {
    let bar = bar.clone();
    Arc::new(move |Progress { phase, done, total }| {
        bar.set_message(match phase {
            Phase::Quantising => "quantising",
            Phase::Masking => "masking",
            Phase::Proving => "proving",
            Phase::Uploading => "uploading",
        });
        bar.set_length(total);
        bar.set_position(done);
    })
}
