//! Rounds that demand a proof of the norm.

use lattice::{CpuBackend, RING_DEGREE};
use norm_proof::{NormProofError, PROOF_BYTES};
use protocol::{
    ContributionHeader, Proof, Refusal, Signed, VerifiedRound, proof_digest,
    roles::aggregator::{begin_proof, refused_proof},
};
use rand::rngs::OsRng;

use crate::fixture::{Contribution, Fixture, document};

/// A round that demands a proof.
fn demanding(fixture: &mut Fixture) -> VerifiedRound {
    let mut document = document(&fixture.parties, &mut fixture.rng);
    document.proof = Proof::NormV2;
    fixture.parties.sign(document).0
}

/// Verifies as the aggregator does, block by block.
fn verify(round: &VerifiedRound, contribution: &Contribution) -> Result<(), Refusal> {
    let header = contribution.header();
    let mut verifying = begin_proof(round, header, &contribution.prefix.proof)?;
    for block in contribution.body.chunks(round.constants().width().bytes(RING_DEGREE)) {
        verifying.read(&CpuBackend::new(), block).unwrap();
    }
    let verified = verifying.finish(&mut OsRng).and_then(|equations| equations.verify(&mut OsRng));
    verified.map_err(|error| refused_proof(&error).unwrap())
}

/// Puts another proof under a contribution's header and signs the header again.
fn with_proof(mut contribution: Contribution, proof: Vec<u8>) -> Contribution {
    let header = &mut contribution.prefix.header;
    header.proof_bytes = proof.len() as u32;
    header.proof_digest = proof_digest(&proof);
    *header = header.clone().sign(&contribution.identity);
    contribution.prefix.proof = proof;
    contribution
}

#[test]
fn a_proved_contribution_is_verified() {
    let mut fixture = Fixture::new(41);
    let round = demanding(&mut fixture);
    let contribution = fixture.contribution_to(&round, "alice", 2);
    assert_eq!(contribution.prefix.proof.len(), PROOF_BYTES);
    verify(&round, &contribution).unwrap();
}

#[test]
fn a_contribution_without_the_demanded_proof_is_refused() {
    let mut fixture = Fixture::new(42);
    let round = demanding(&mut fixture);
    let contribution = fixture.contribution_to(&round, "alice", 1);
    let bare = with_proof(contribution, Vec::new());
    assert_eq!(round.check_header(bare.header()), Err(Refusal::ProofKind));
    let mut claiming_none = bare;
    claiming_none.prefix.header.proof = Proof::None;
    let header = claiming_none.prefix.header.clone().sign(&claiming_none.identity);
    assert_eq!(round.check_header(&header), Err(Refusal::ProofKind));
}

#[test]
fn a_proof_made_for_another_client_round_weight_or_body_is_refused() {
    let mut fixture = Fixture::new(43);
    let (round, other_round) = (demanding(&mut fixture), demanding(&mut fixture));
    let linear = Err(Refusal::NormProof { check: "linear relations" });
    let honest = fixture.contribution_to(&round, "alice", 1);
    let proof = honest.prefix.proof.clone();

    let copied = with_proof(fixture.contribution_to(&round, "bob", 1), proof.clone());
    assert_eq!(verify(&round, &copied), linear);
    let earlier = with_proof(fixture.contribution_to(&other_round, "alice", 1), proof);
    assert_eq!(verify(&other_round, &earlier), linear);

    let mut heavier = honest;
    heavier.prefix.header.weight = 9;
    heavier.prefix.header = heavier.prefix.header.clone().sign(&heavier.identity);
    assert_eq!(verify(&round, &heavier), linear);
    heavier.prefix.header.weight = 1;
    heavier.prefix.header = heavier.prefix.header.clone().sign(&heavier.identity);
    assert_eq!(verify(&round, &heavier), Ok(()));
    heavier.body[9] ^= 1;
    assert_eq!(verify(&round, &heavier), linear);
}

#[test]
fn a_proof_that_is_not_one_is_refused_for_its_encoding() {
    let mut fixture = Fixture::new(44);
    let round = demanding(&mut fixture);
    let zeros = with_proof(fixture.contribution_to(&round, "alice", 1), vec![0; PROOF_BYTES]);
    assert_eq!(verify(&round, &zeros), Err(Refusal::NormProof { check: "encoding" }));
    let mut swapped = fixture.contribution_to(&round, "bob", 1);
    swapped.prefix.proof[40] ^= 1;
    assert_eq!(verify(&round, &swapped), Err(Refusal::Digest { of: "proof" }));
}

/// A proof is verified only for a header that the round accepts.
#[test]
fn a_header_that_the_round_refuses_begins_no_proof() {
    let mut fixture = Fixture::new(45);
    let (round, other_round) = (demanding(&mut fixture), demanding(&mut fixture));
    let contribution = fixture.contribution_to(&round, "alice", 1);
    let begin = |round: &VerifiedRound, change: &dyn Fn(&mut ContributionHeader)| {
        let mut header = contribution.header().clone();
        change(&mut header);
        let header = header.sign(&contribution.identity);
        begin_proof(round, &header, &contribution.prefix.proof).map(|_| ())
    };
    assert_eq!(begin(&round, &|_| ()), Ok(()));
    assert_eq!(begin(&other_round, &|_| ()), Err(Refusal::WrongRound));
    let fewer = begin(&round, &|header| header.commitments.truncate(2));
    assert_eq!(fewer, Err(Refusal::Holders { expected: 3, found: 2 }));
    let more = begin(&round, &|header| header.commitments.push(header.commitments[0]));
    assert_eq!(more, Err(Refusal::Holders { expected: 3, found: 4 }));
    let heavy = begin(&round, &|header| header.weight = u32::MAX);
    assert!(matches!(heavy, Err(Refusal::Weight { weight: u32::MAX, .. })));
    let mut forged = contribution.header().clone();
    forged.weight = 2;
    let refused = begin_proof(&round, &forged, &contribution.prefix.proof).unwrap_err();
    assert_eq!(refused, Refusal::Signature { of: "contribution" });
    let mut header = contribution.header().clone();
    header.commitments.truncate(2);
    assert_eq!(round.statement(&header).unwrap_err(), Refusal::Holders { expected: 3, found: 2 });
}

#[test]
fn a_failure_of_the_verifier_is_no_refusal() {
    assert_eq!(refused_proof(&NormProofError::Incomplete { next_block: 0, blocks: 1 }), None);
    assert_eq!(refused_proof(&NormProofError::Opening), Some(Refusal::NormProof { check: "openings" }));
}
