//! Every decoder is total. It refuses arbitrary bytes and mutated encodings, or decodes them to a
//! value that encodes to the same bytes.

use ledger::payout_tree::Address;
use names::Subject;
use proptest::{collection::vec, prelude::*, sample::Index};
use protocol::{
    Attestation, Canonical, ClaimAddress, ContributionHeader, Credential, MessagePrefix, PrefixLength,
    Receipt, RefusedFor, ReleaseAnswer, ReleaseRequest, RoundDocument, RoundResult, SealedSeeds, Signature,
    SignedRefusal, Unreleased,
    roles::{combiner::attest, round::sign_document},
};

use crate::fixture::Fixture;

/// Decodes, and checks that a structure has only one encoding.
fn is_total<T: Canonical>(bytes: &[u8]) {
    if let Ok(value) = T::from_bytes(bytes) {
        assert_eq!(value.to_bytes(), bytes, "a second encoding of one structure");
    }
}

fn every_decoder(bytes: &[u8]) {
    is_total::<RoundDocument>(bytes);
    is_total::<Credential>(bytes);
    is_total::<ContributionHeader>(bytes);
    is_total::<SealedSeeds>(bytes);
    is_total::<Receipt>(bytes);
    is_total::<ClaimAddress>(bytes);
    is_total::<Attestation>(bytes);
    is_total::<SignedRefusal>(bytes);
    is_total::<Unreleased>(bytes);
    is_total::<ReleaseRequest>(bytes);
    is_total::<ReleaseAnswer>(bytes);
    is_total::<RoundResult>(bytes);
    if let Ok(PrefixLength::Exactly(length)) = MessagePrefix::length(bytes) {
        assert!(length < 4 + 4096 + 8 * 80 + (1 << 20) + 1);
    }
    if let Ok(prefix) = MessagePrefix::from_bytes(bytes) {
        assert_eq!(prefix.to_bytes(), bytes);
    }
}

/// A valid encoding of each kind.
fn valid() -> Vec<Vec<u8>> {
    let mut fixture = Fixture::new(80);
    let contribution = fixture.contribution("alice");
    let header = contribution.header();
    let round = *fixture.round.hash();
    let receipt = Receipt {
        round_hash: round,
        contribution_id: header.contribution_id,
        header_hash: header.hash(),
        received_at_ms: -1,
        included_by_ms: i64::MAX,
        signature: sign_document(fixture.round.document(), &fixture.parties.holders[0].0),
    };
    let answer = ReleaseAnswer {
        round_hash: round,
        root: [1; 32].into(),
        count: 3,
        holder: 1,
        key_sum: (0..2048).map(|i| i - 1024).collect(),
        blinding_sum: [2; 32],
        signature: Signature([3; 64]),
    };
    let result = RoundResult {
        round_hash: round,
        root: [1; 32].into(),
        count: 3,
        total_weight: 9,
        sum_digest: [4; 32].into(),
        residual_max: 7,
        signature: Signature([5; 64]),
    };
    let claim = ClaimAddress {
        aggregator_key: [8; 32].into(),
        subject: Subject::new("alice").unwrap(),
        address: Address::from_bytes([6; 20]),
        chain_id: 1,
        sequence: 2,
        signature: Signature([7; 64]),
    };
    let refusal = SignedRefusal {
        round_hash: round,
        header_hash: header.hash(),
        sealed_digest: header.sealed_digest,
        holder: 1,
        reason: RefusedFor::Share,
        signature: Signature([8; 64]),
    };
    let unreleased = Unreleased { round_hash: round, holder: 1, signature: Signature([9; 64]) };
    vec![
        fixture.signed.document.clone(),
        header.credential.to_bytes(),
        header.to_bytes(),
        contribution.prefix.sealed.to_bytes(),
        contribution.prefix.to_bytes(),
        receipt.to_bytes(),
        attest(&fixture.round, 1, header, &fixture.parties.holders[1].0).unwrap().to_bytes(),
        ReleaseRequest::over(round, vec![[9; 32].into(), [8; 32].into()]).to_bytes(),
        answer.to_bytes(),
        result.to_bytes(),
        claim.to_bytes(),
        refusal.to_bytes(),
        unreleased.to_bytes(),
    ]
}

#[test]
fn every_kind_has_a_valid_encoding_in_this_test() {
    let valid = valid();
    assert!(RoundDocument::from_bytes(&valid[0]).is_ok());
    assert!(Credential::from_bytes(&valid[1]).is_ok());
    assert!(ContributionHeader::from_bytes(&valid[2]).is_ok());
    assert!(SealedSeeds::from_bytes(&valid[3]).is_ok());
    assert!(MessagePrefix::from_bytes(&valid[4]).is_ok());
    assert!(Receipt::from_bytes(&valid[5]).is_ok());
    assert!(Attestation::from_bytes(&valid[6]).is_ok());
    assert!(ReleaseRequest::from_bytes(&valid[7]).is_ok());
    assert!(ReleaseAnswer::from_bytes(&valid[8]).is_ok());
    assert!(RoundResult::from_bytes(&valid[9]).is_ok());
    assert!(ClaimAddress::from_bytes(&valid[10]).is_ok());
    assert!(SignedRefusal::from_bytes(&valid[11]).is_ok());
    assert!(Unreleased::from_bytes(&valid[12]).is_ok());
}

#[test]
fn every_prefix_of_a_valid_encoding_is_refused() {
    for bytes in valid() {
        for end in 0..bytes.len() {
            every_decoder(&bytes[..end]);
        }
    }
    let document = &valid()[0];
    assert!((0..document.len()).all(|end| RoundDocument::from_bytes(&document[..end]).is_err()));
}

/// Flips, overwrites, cuts, repeats or inserts.
fn mutate(mut bytes: Vec<u8>, edits: &[(u8, Index, u8)]) -> Vec<u8> {
    for (kind, position, value) in edits {
        if bytes.is_empty() {
            break;
        }
        let at = position.index(bytes.len());
        match kind % 6 {
            0 => bytes[at] ^= 1 << (value % 8),
            1 => bytes[at] = *value,
            2 => bytes.truncate(at),
            3 => bytes.insert(at, *value),
            4 => bytes.extend_from_within(at..),
            _ => drop(bytes.drain(at..(at + usize::from(*value)).min(bytes.len()))),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..600)) {
        every_decoder(&bytes);
    }

    #[test]
    fn arbitrary_bytes_behind_a_valid_name_never_panic(
        name in prop::sample::select(vec![b"BSRD", b"BSCH", b"BSRC", b"BSAT", b"BSRQ", b"BSRA", b"BSRS", b"BSCA", b"BSRF", b"BSUR"]),
        bytes in vec(any::<u8>(), 0..600),
    ) {
        every_decoder(&[&name[..], &[1, 0], &bytes].concat());
    }
}

#[test]
fn mutated_encodings_never_panic() {
    let valid = valid();
    let mutation = (0..valid.len(), vec((any::<u8>(), any::<Index>(), any::<u8>()), 1..6));
    let config = ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&mutation, |(kind, edits)| {
            every_decoder(&mutate(valid[kind].clone(), &edits));
            Ok(())
        })
        .unwrap();
}
