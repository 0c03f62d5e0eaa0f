//! A claim address counts only with the participant's own signature.

use ledger::payout_tree::Address;
use names::{Subject, labels};
use protocol::{Canonical, ClaimAddress, DecodeError, IdentityKey, Refusal, Signature, Signed};

fn client() -> IdentityKey {
    IdentityKey::from_secret(&[7; 32].into())
}

fn claim() -> ClaimAddress {
    let claim = ClaimAddress {
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
    let messages = [
        by(&client(), 8453, 3),
        by(&client(), 1, 4),
        by(&client(), 8453, 9),
        by(&old, 8453, 10),
        by(&old, 2, 1),
        of_another,
        b"no message".to_vec(),
    ];
    let (subject, key) = (claim().subject, client().public());
    let in_force = ClaimAddress::in_force(&messages, &subject, &key);
    let found: Vec<_> = in_force.iter().map(|claim| (claim.chain_id, claim.sequence)).collect();
    assert_eq!(found, [(1, 4), (8453, 9)]);
    assert_eq!(ClaimAddress::signed_with(&messages, &subject, &key).len(), 3);
    assert_eq!(ClaimAddress::in_force(&messages, &subject, &old.public()).len(), 2);
}
