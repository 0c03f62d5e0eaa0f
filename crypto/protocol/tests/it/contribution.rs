//! The checks of a contribution at intake, from its header alone.

use lattice::{CHUNK_COEFFICIENTS, pack};
use masking::{RoundConstants, RoundRequest};
use names::{BodyDigest, Subject};
use norm_proof::PROOF_BYTES;
use protocol::{
    BodyDigester, BodyDigests, Canonical, ContributionHeader, Credential, DecodeError, IdentityKey,
    MessagePrefix, PrefixLength, Proof, Refusal, Signed,
};
use testkit::flip;

use crate::fixture::{Contribution, Fixture};

fn digest(fixture: &Fixture, body: &[u8], piece: usize) -> Result<BodyDigest, Refusal> {
    let mut digester = BodyDigester::new(fixture.round.constants());
    for piece in body.chunks(piece) {
        digester.push(piece)?;
    }
    digester.finish()
}

#[test]
fn an_honest_message_passes_whatever_the_pieces_it_arrives_in() {
    let mut fixture = Fixture::new(20);
    let contribution = fixture.contribution("alice");
    let header = contribution.header();
    assert_eq!(fixture.round.check_header(header), Ok(()));
    for piece in [1, 7, 8, 352, 4096, usize::MAX] {
        assert_eq!(digest(&fixture, &contribution.body, piece), Ok(header.body_digest), "pieces of {piece}");
    }
    let bytes = contribution.prefix.to_bytes();
    assert_eq!(MessagePrefix::from_bytes(&bytes).as_ref(), Ok(&contribution.prefix));
}

#[test]
fn the_length_of_a_prefix_is_known_as_early_as_possible() {
    let mut fixture = Fixture::new(21);
    let bytes = fixture.contribution("alice").prefix.to_bytes();
    let header = 4 + u32::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    for end in 0..bytes.len() {
        let expected = match end {
            0..4 => PrefixLength::AtLeast(4),
            _ if end < header => PrefixLength::AtLeast(header),
            _ => PrefixLength::Exactly(bytes.len()),
        };
        assert_eq!(MessagePrefix::length(&bytes[..end]), Ok(expected), "{end} bytes");
    }
    let too_long = DecodeError::Range { field: "header length" };
    let refusal = MessagePrefix::length(&4097_u32.to_le_bytes());
    assert!(matches!(refusal, Err(Refusal::Malformed { source, .. }) if source == too_long));
}

#[test]
fn a_header_with_any_bit_changed_is_refused() {
    let mut fixture = Fixture::new(22);
    let bytes = fixture.contribution("alice").header().to_bytes();
    for bit in 0..8 * bytes.len() {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(header) = ContributionHeader::from_bytes(&bytes) {
            assert!(fixture.round.check_header(&header).is_err(), "bit {bit}");
        }
    }
}

/// Changes a header and signs it again, as a participant with a valid key can.
fn resigned(contribution: &Contribution, change: impl Fn(&mut ContributionHeader)) -> ContributionHeader {
    let mut header = contribution.header().clone();
    change(&mut header);
    header.sign(&contribution.identity)
}

#[test]
fn a_signed_header_that_breaks_a_rule_is_refused_for_that_rule() {
    let mut fixture = Fixture::new(23);
    let contribution = fixture.contribution("alice");
    let stranger = IdentityKey::generate(&mut fixture.rng);
    let check = |header: &ContributionHeader| fixture.round.check_header(header).unwrap_err();

    assert_eq!(check(&resigned(&contribution, |h| flip(&mut h.round_hash, 0))), Refusal::WrongRound);
    assert_eq!(
        check(&resigned(&contribution, |h| h.weight = 11)),
        Refusal::Weight { weight: 11, min: 1, max: 10 }
    );
    assert_eq!(
        check(&resigned(&contribution, |h| h.weight = 0)),
        Refusal::Weight { weight: 0, min: 1, max: 10 }
    );
    let attested = Credential { max_weight: 2, ..contribution.header().credential.clone() };
    let attested = attested.sign(&fixture.parties.registrar);
    let heavy = |weight| {
        fixture.round.check_header(&resigned(&contribution, |h| {
            (h.credential, h.weight) = (attested.clone(), weight);
        }))
    };
    assert_eq!(heavy(2), Ok(()));
    assert_eq!(heavy(3), Err(Refusal::AttestedWeight { weight: 3, max_weight: 2 }));
    assert_eq!(
        check(&resigned(&contribution, |h| h.clip_step = Some(0))),
        Refusal::NotAskedFor { field: "clip_step" }
    );
    assert_eq!(
        check(&resigned(&contribution, |h| h.trace_root = Some([0; 32].into()))),
        Refusal::NotAskedFor { field: "trace_root" }
    );
    let two = resigned(&contribution, |h| h.commitments.truncate(2));
    assert_eq!(check(&two), Refusal::Holders { expected: 3, found: 2 });
    assert_eq!(check(&resigned(&contribution, |h| h.proof = Proof::NormV2)), Refusal::ProofKind);
    assert_eq!(check(&resigned(&contribution, |h| h.proof_bytes = 1)), Refusal::ProofKind);
    let with_proof =
        resigned(&contribution, |h| (h.proof, h.proof_bytes) = (Proof::NormV2, PROOF_BYTES as u32));
    assert_eq!(check(&with_proof), Refusal::ProofKind, "a proof that was not asked for");

    let mut expired = contribution.header().credential.clone();
    expired.epoch = 6;
    let expired = expired.sign(&fixture.parties.registrar);
    let header = resigned(&contribution, |h| h.credential = expired.clone());
    assert_eq!(check(&header), Refusal::Epoch { expected: 7, found: 6 });

    let forged = contribution.header().credential.clone().sign(&stranger);
    let header = resigned(&contribution, |h| h.credential = forged.clone());
    assert_eq!(check(&header), Refusal::Signature { of: "credential" });

    let foreign = contribution.header().clone().sign(&stranger);
    assert_eq!(check(&foreign), Refusal::Signature { of: "contribution" });
}

#[test]
fn a_header_with_every_option_has_one_encoding() {
    let mut fixture = Fixture::new(24);
    let contribution = fixture.contribution("alice");
    let group = Some(Subject::new("clinics").unwrap());
    let credential = Credential { group, max_weight: 1, ..contribution.header().credential.clone() };
    let full = resigned(&contribution, |h| {
        h.credential = credential.clone().sign(&fixture.parties.registrar);
        (h.clip_step, h.trace_root) = (Some(255), Some([9; 32].into()));
    });
    assert_eq!(ContributionHeader::from_bytes(&full.to_bytes()), Ok(full));
    for max_weight in [0, Credential::MAX_WEIGHT + 1] {
        let credential = Credential { max_weight, ..credential.clone() };
        let error = Credential::from_bytes(&credential.to_bytes());
        assert_eq!(error, Err(DecodeError::Range { field: "max_weight" }));
    }
}

#[test]
fn a_body_that_is_changed_cut_or_extended_is_refused() {
    let mut fixture = Fixture::new(25);
    let Contribution { prefix, body, .. } = fixture.contribution("alice");
    let mut changed = body.clone();
    changed[100] ^= 1;
    assert_ne!(digest(&fixture, &changed, 64), Ok(prefix.header.body_digest));
    let expected = body.len() as u64;
    let short = digest(&fixture, &body[..body.len() - 1], 64);
    assert_eq!(short, Err(Refusal::BodyLength { expected, found: expected - 1 }));
    let long = [&body[..], &[0]].concat();
    assert_eq!(digest(&fixture, &long, 64), Err(Refusal::BodyLength { expected, found: expected + 1 }));
}

#[test]
fn a_word_outside_the_ring_is_refused_wherever_the_pieces_are_cut() {
    let request = RoundRequest::unweighted(4096, 4096, 1 << 18, 1.0);
    let constants = RoundConstants::derive(&request).unwrap();
    let width = constants.width();
    let digest = |body: &[u8], piece: usize| {
        let mut digester = BodyDigester::new(&constants);
        body.chunks(piece).try_for_each(|piece| digester.push(piece)).and_then(|()| digester.finish())
    };
    for (position, word) in [(0, width.max_word() + 1), (4095, (1 << width.bits()) - 1)] {
        let mut words = vec![1; 4096];
        let mut body = vec![0; width.bytes(4096)];
        words[position] = word;
        pack::pack(width, &words, &mut body);
        for piece in [1, 500, usize::MAX] {
            assert_eq!(digest(&body, piece), Err(Refusal::BodyNotCanonical { chunk: 0 }));
        }
        words[position] = width.max_word();
        pack::pack(width, &words, &mut body);
        assert!(digest(&body, 500).is_ok(), "the largest word of the ring is accepted");
    }
}

#[test]
fn a_chunk_is_recognised_by_the_digests_below_the_body_s() {
    let dimension = 3 << 19;
    let request = RoundRequest::unweighted(dimension, 4096, 1 << 18, 1.0);
    let constants = RoundConstants::derive(&request).unwrap();
    let mut body = vec![0; usize::try_from(constants.body_bytes()).unwrap()];
    let last = body.len() - 3;
    body[last] = 7;
    let digests = || {
        let mut digester = BodyDigester::new(&constants);
        body.chunks(1 << 20).try_for_each(|piece| digester.push(piece)).unwrap();
        digester
    };
    let chunks = digests().finish_chunks().unwrap();
    assert_eq!(chunks.body(), digests().finish().unwrap());
    let (first, second) = body.split_at(constants.chunk_bytes(0));
    assert_eq!(second.len(), constants.chunk_bytes(1));
    assert!(chunks.is_chunk(0, first) && chunks.is_chunk(1, second));
    assert!(!chunks.is_chunk(1, first) && !chunks.is_chunk(0, second) && !chunks.is_chunk(2, second));
    assert!(!chunks.is_chunk(1, &second[..second.len() - 1]));
    let bytes = chunks.to_bytes();
    assert_eq!(bytes.len(), 64);
    assert_eq!(BodyDigests::from_bytes(&bytes), Some(chunks.clone()));
    assert_eq!(BodyDigests::from_bytes(&bytes[..63]), None);
    let swapped = BodyDigests::from_bytes(&[&bytes[32..], &bytes[..32]].concat()).unwrap();
    assert_ne!(swapped.body(), chunks.body());
}

#[test]
fn digests_bind_sealed_seeds_and_proof() {
    let mut fixture = Fixture::new(27);
    let contribution = fixture.contribution("alice");
    let mut prefix = contribution.prefix.clone();
    prefix.sealed.0[1].0[40] ^= 1;
    assert_eq!(MessagePrefix::from_bytes(&prefix.to_bytes()), Err(Refusal::Digest { of: "sealed seeds" }));
    let mut prefix = contribution.prefix;
    flip(&mut prefix.header.proof_digest, 0);
    assert_eq!(MessagePrefix::from_bytes(&prefix.to_bytes()), Err(Refusal::Digest { of: "proof" }));
}

#[test]
fn the_body_has_the_documented_size() {
    let fixture = Fixture::new(28);
    let constants = fixture.round.constants();
    let expected = constants.padded_dimension * u64::from(constants.width().bits()) / 8;
    assert_eq!(constants.body_bytes(), expected);
    assert!((constants.padded_dimension as usize) < CHUNK_COEFFICIENTS);
}
