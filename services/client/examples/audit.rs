//! Checks a published round against the pinned keys. Anyone can do this without an account.
//!
//! ```sh
//! cargo run -p client --example audit -- http://127.0.0.1:8080 $ROUND \
//!   $(cat aggregator.pub combiner.pub registrar.pub)
//! ```
//!
//! `blindsum audit verify` checks more: every signature and proof, the bodies against the sum, and
//! the books against the log.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::{env, error::Error, fs, path::Path};

use client::{Client, ClientConfig};
use names::RoundId;
use protocol::Pins;

/// The file that keeps the last checkpoint from one audit to the next.
const CHECKPOINT: &str = "checkpoint";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, round, aggregator, combiner, registrar] = &arguments[..] else {
        return Err("audit URL ROUND AGGREGATOR COMBINER REGISTRAR".into());
    };
    let pins = Pins {
        aggregator: aggregator.parse()?,
        combiners: vec![combiner.parse()?],
        registrar: registrar.parse()?,
    };
    let client = Client::new(ClientConfig::new(url, pins, "auditor-state"))?;

    // The document must be signed by the aggregator and countersigned by the combiner, and have the
    // constants that this program derives.
    let round = client.open_round(round.parse::<RoundId>()?).await?;
    // The result must be signed for this document. The sum must have the digest in the result.
    let sum = client.result_sum(&round).await?;
    let mean = sum.mean(&round);
    println!("{} contributions, total weight {}", sum.result.count, sum.result.total_weight);
    println!("mean of the first coordinate: {}", mean.first().copied().unwrap_or_default());

    // The log must continue the checkpoint that the last audit kept.
    let last = match fs::read_to_string(Path::new(CHECKPOINT)) {
        Ok(earlier) => client.continued(&earlier).await?,
        Err(_) => client.checkpoint().await?,
    };
    fs::write(CHECKPOINT, &last.note)?;
    println!("{} entries of the log under a signed checkpoint", last.checkpoint.size);
    Ok(())
}
