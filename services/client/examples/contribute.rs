//! A participant enrols, fetches the model of a round, and contributes its update.
//!
//! ```sh
//! cargo run -p client --example contribute -- http://127.0.0.1:8080 $ROUND \
//!   $(cat aggregator.pub combiner.pub registrar.pub) anna.key anna.credential
//! ```

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::{env, error::Error, fs};

use client::{Client, ClientConfig, Participant, ignore_progress};
use names::{RoundId, SecretKey};
use protocol::{Canonical, Credential, IdentityKey, Pins};

const USAGE: &str = "contribute URL ROUND AGGREGATOR COMBINER REGISTRAR IDENTITY CREDENTIAL";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, round, aggregator, combiner, registrar, identity, credential] = &arguments[..] else {
        return Err(USAGE.into());
    };
    // These keys come from the other parties themselves. Keys from the aggregator would prove
    // nothing.
    let pins = Pins {
        aggregator: aggregator.parse()?,
        combiners: vec![combiner.parse()?],
        registrar: registrar.parse()?,
    };
    let participant = Participant {
        identity: IdentityKey::from_secret(&secret(&fs::read_to_string(identity)?)?),
        credential: Credential::from_bytes(&hex::decode(fs::read_to_string(credential)?.trim())?)?,
    };
    // The folder holds unfinished uploads and receipts. Do not lose it.
    let client = Client::new(ClientConfig::new(url, pins, "participant-state"))?;
    client.enrol(&participant).await?;

    // The client now verifies every answer: the signatures of the document, its constants, the
    // digest of the model.
    let round = client.open_round(round.parse::<RoundId>()?).await?;
    // Training takes long, so ask first whether the round keeps to the floors of this participant.
    client.check_floors(&round)?;
    let model = client.model(&round).await?;
    let update = train(&model, usize::try_from(round.document().dimension)?);
    let weight = 1;
    let contribution = client.contribute(&round, &participant, &update, weight, ignore_progress()).await?;

    println!("contribution {}: {} bytes stored", contribution.id, contribution.bytes);
    println!("in the signed log by {} ms since 1970", contribution.receipt.included_by_ms);
    Ok(())
}

/// Stands in for training. An update has as many coordinates as the round sums.
fn train(_model: &[u8], dimension: usize) -> Vec<f32> {
    vec![0.5; dimension]
}

/// Parses the secret of an identity key: 32 bytes in hexadecimal.
fn secret(text: &str) -> Result<SecretKey, hex::FromHexError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes)?;
    Ok(SecretKey::from_bytes(bytes))
}
