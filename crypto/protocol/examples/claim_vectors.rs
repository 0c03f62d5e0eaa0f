//! Prints `tests/vectors/claim-address.json`: a claim address, and others that are refused for one
//! named fault each.

#![expect(clippy::print_stdout, reason = "it prints the vectors")]

use ledger::payout_tree::Address;
use protocol::{Canonical, ClaimAddress, IdentityKey, Signature, Signed};
use serde_json::{Value, json};

fn main() {
    let [aggregator, client, other] = [6, 7, 8].map(|byte| IdentityKey::from_secret(&[byte; 32].into()));
    let claim = ClaimAddress {
        aggregator_key: aggregator.public(),
        subject: "hospital-7".parse().expect("a subject"),
        address: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".parse().expect("an address"),
        chain_id: 8453,
        sequence: 3,
        signature: Signature::BLANK,
    }
    .sign(&client);
    let refused = |fault: &str, bytes: Vec<u8>| json!({ "fault": fault, "message": hex::encode(bytes) });
    let resigned = |fault: &str, change: &dyn Fn(&mut ClaimAddress)| -> Value {
        let mut changed = claim.clone();
        change(&mut changed);
        refused(fault, changed.sign(&client).to_bytes())
    };
    let mut renamed = claim.clone();
    renamed.aggregator_key = other.public();
    let mut renumbered = claim.clone();
    renumbered.sequence = 4;
    let vectors = json!({
        "format": "docs/wire-formats.md, section 12",
        "command": "cargo run --release -p protocol --example claim_vectors > tests/vectors/claim-address.json",
        "aggregator_key": aggregator.public().to_string(),
        "client_key": client.public().to_string(),
        "subject": claim.subject.as_str(),
        "address": hex::encode(claim.address.to_bytes()),
        "chain_id": claim.chain_id,
        "sequence": claim.sequence,
        "message": hex::encode(claim.to_bytes()),
        "refused": [
            resigned("signed for another aggregator", &|claim| claim.aggregator_key = other.public()),
            refused("another aggregator under the same signature", renamed.to_bytes()),
            refused("another sequence under the same signature", renumbered.to_bytes()),
            refused("signed with another key", claim.clone().sign(&other).to_bytes()),
            resigned("the zero address", &|claim| claim.address = Address::ZERO),
            resigned("chain 0", &|claim| claim.chain_id = 0),
            resigned("chain 2^63", &|claim| claim.chain_id = 1 << 63),
            refused("a trailing byte", [claim.to_bytes(), vec![0]].concat()),
        ],
    });
    println!("{}", serde_json::to_string_pretty(&vectors).expect("JSON"));
}
