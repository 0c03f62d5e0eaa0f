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
