//! A claim address counts only with the participant's own signature.

use ledger::payout_tree::Address;
use names::{PublicKey, Subject, labels};
use protocol::{Canonical, ClaimAddress, DecodeError, IdentityKey, Refusal, Signature, Signed};
use serde_json::Value;

fn client() -> IdentityKey {
    IdentityKey::from_secret(&[7; 32].into())
}

fn aggregator() -> PublicKey {
    IdentityKey::from_secret(&[6; 32].into()).public()
}

fn claim() -> ClaimAddress {
    let claim = ClaimAddress {
        aggregator_key: aggregator(),
        subject: Subject::new("hospital-7").unwrap(),
        address: "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed".parse().unwrap(),
        chain_id: 8453,
        sequence: 3,
        signature: Signature::BLANK,
    };
    claim.sign(&client())
}

#[test]
fn a_signed_address_survives_its_encoding() {
    let bytes = claim().to_bytes();
    let read = ClaimAddress::from_bytes(&bytes).unwrap();
    assert_eq!(read, claim());
    assert_eq!(read.verify(&client().public()), Ok(()));
}

#[test]
fn every_changed_bit_is_refused() {
    let bytes = claim().to_bytes();
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(claim) = ClaimAddress::from_bytes(&changed) {
            let refusal = claim.verify(&client().public());
            assert_eq!(refusal, Err(Refusal::Signature { of: "claim address" }), "bit {bit}");
        }
    }
}

#[test]
fn nobody_else_and_no_other_kind_of_message_names_an_address() {
    let wrong = Err(Refusal::Signature { of: "claim address" });
    let other = IdentityKey::from_secret(&[8; 32].into());
    assert_eq!(claim().verify(&other.public()), wrong);
    // the same bytes, signed as another kind of message
    let bytes = claim().to_bytes();
    let mut replayed = claim();
    replayed.signature = client().sign(labels::ENROLMENT, &bytes[..bytes.len() - 64]);
    assert_eq!(replayed.verify(&client().public()), wrong);
}

/// The participant has the same name and key at both deployments.
#[test]
fn an_address_counts_at_the_aggregator_that_it_names_and_at_no_other() {
    let (subject, key) = (claim().subject, client().public());
    let other = IdentityKey::from_secret(&[9; 32].into()).public();
    let messages = [claim().to_bytes()];
    assert_eq!(ClaimAddress::in_force(&messages, &aggregator(), &subject, &key), [claim()]);
    assert_eq!(ClaimAddress::in_force(&messages, &other, &subject, &key), []);
    let renamed = [ClaimAddress { aggregator_key: other, ..claim() }.to_bytes()];
    assert_eq!(ClaimAddress::in_force(&renamed, &other, &subject, &key), []);
}

/// `cargo run --release -p protocol --example claim_vectors` made the file.
#[test]
fn the_vectors_are_claim_addresses_and_each_fault_is_refused() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/claim-address.json")).unwrap();
    let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    let read = |bytes: &[u8]| {
        let claims = ClaimAddress::in_force(
            &[bytes.to_vec()],
            &vectors["aggregator_key"].as_str().unwrap().parse().unwrap(),
            &vectors["subject"].as_str().unwrap().parse().unwrap(),
            &vectors["client_key"].as_str().unwrap().parse().unwrap(),
        );
        claims.into_iter().next()
    };
    let good = bytes(&vectors["message"]);
    assert_eq!(read(&good), Some(claim()));
    assert_eq!(claim().to_bytes(), good);
    let refused = vectors["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 8);
    for wrong in refused {
        assert_eq!(read(&bytes(&wrong["message"])), None, "{}", wrong["fault"]);
    }
}

#[test]
fn addresses_and_chains_outside_their_ranges_are_refused() {
    let refused = |change: fn(&mut ClaimAddress), field| {
        let mut changed = claim();
        change(&mut changed);
        let bytes = changed.sign(&client()).to_bytes();
        assert_eq!(ClaimAddress::from_bytes(&bytes), Err(DecodeError::Range { field }));
    };
    refused(|claim| claim.address = Address::ZERO, "address");
    refused(|claim| claim.chain_id = 0, "chain_id");
    refused(|claim| claim.chain_id = 1 << 63, "chain_id");
}

#[test]
fn one_address_for_each_chain_is_in_force_and_none_under_a_replaced_key() {
    let by = |key: &IdentityKey, chain_id, sequence| {
        ClaimAddress { chain_id, sequence, signature: Signature::BLANK, ..claim() }.sign(key).to_bytes()
    };
    let old = IdentityKey::from_secret(&[8; 32].into());
    let of_another =
        ClaimAddress { subject: Subject::new("hospital-8").unwrap(), ..claim() }.sign(&client()).to_bytes();
    let elsewhere = ClaimAddress { aggregator_key: old.public(), sequence: 11, ..claim() };
    let messages = [
        elsewhere.sign(&client()).to_bytes(),
        by(&client(), 8453, 3),
        by(&client(), 1, 4),
        by(&client(), 8453, 9),
        by(&old, 8453, 10),
        by(&old, 2, 1),
        of_another,
        b"no message".to_vec(),
    ];
    let (subject, key) = (claim().subject, client().public());
    let in_force = ClaimAddress::in_force(&messages, &aggregator(), &subject, &key);
    let found: Vec<_> = in_force.iter().map(|claim| (claim.chain_id, claim.sequence)).collect();
    assert_eq!(found, [(1, 4), (8453, 9)]);
    assert_eq!(ClaimAddress::signed_with(&messages, &aggregator(), &subject, &key).len(), 3);
    assert_eq!(ClaimAddress::in_force(&messages, &aggregator(), &subject, &old.public()).len(), 2);
}
