//! Honest proofs that were changed, or that are used for another statement or body.

use std::env;

use proptest::prelude::*;
use rayon::prelude::*;
use sharing::KeyShare;
use testkit::flip;

use super::fixture::{Contribution, backend, rng, verify};
use crate::{NormProof, NormProofError, PROOF_BYTES, Parameters, PublicValues, Statement, Verifying};

/// The fields of the encoding, in order: name, length, and length of one element.
const FIELDS: [(&str, usize, usize); 10] = [
    ("name and version", 6, 6),
    ("projection commitment", 32, 32),
    ("smallness commitment", 32, 32),
    ("slack commitments", 64, 32),
    ("smallness sums", 2048, 16),
    ("announcements", 160, 32),
    ("cross terms", 64, 32),
    ("linear mask and responses", 32 + 2434 * 32, 32),
    ("slack and blinding responses", 64 + 192, 32),
    ("range proof", 736, 32),
];

#[test]
fn the_fields_make_up_the_proof() {
    assert_eq!(FIELDS.iter().map(|(_, length, _)| length).sum::<usize>(), PROOF_BYTES);
}

/// Flips bits in every element of the proof.
///
/// In a short field, every thirteenth bit of an element is flipped. In a long field, one bit of
/// each element is flipped, at changing positions. If the variable `NORM_PROOF_FLIPS` is `all`,
/// every bit of the proof is flipped, which takes an hour of one core.
#[test]
fn a_flipped_bit_in_any_element_is_refused() {
    let all = env::var("NORM_PROOF_FLIPS").is_ok_and(|flips| flips == "all");
    let contribution = Contribution::honest(1);
    let proof = contribution.prove().unwrap();
    let bytes = proof.to_bytes();
    let mut reader = Verifying::begin(contribution.statement.clone(), proof);
    reader.read(&backend(), &contribution.body).unwrap();
    // The challenges for reading the body depend on the projection commitment, and on nothing after
    // it. The other fields therefore share one reading.
    let verify = |field, proof: NormProof| match field {
        "projection commitment" => contribution.verify(&proof),
        _ => reader.of(proof).finish(&mut rng())?.verify(&mut rng()),
    };
    verify("all of it", NormProof::from_bytes(&bytes).unwrap()).unwrap();
    let mut offset = 0;
    for (field, length, element) in FIELDS {
        let elements: Vec<usize> = (offset..offset + length).step_by(element).collect();
        elements.par_iter().enumerate().for_each(|(index, start)| {
            let bits = 8 * element;
            let chosen = match length {
                _ if all => (0..bits).collect(),
                ..=256 => (0..bits).step_by(13).collect(),
                _ => vec![(index * 37) % bits],
            };
            for bit in chosen {
                let mut tampered = bytes.clone();
                tampered[start + bit / 8] ^= 1 << (bit % 8);
                let outcome = NormProof::from_bytes(&tampered).and_then(|proof| verify(field, proof));
                assert!(outcome.is_err(), "{field} {index}, bit {bit}");
            }
        });
        offset += length;
    }
}

/// A wrong field of a proof is refused by the check for that field.
#[test]
fn fields_fail_for_their_own_reason() {
    let contribution = Contribution::honest(2);
    let proof = contribution.prove().unwrap();
    let refused = |change: &dyn Fn(&mut NormProof)| {
        let mut changed = proof.clone();
        change(&mut changed);
        contribution.verify(&changed).unwrap_err()
    };
    let large = contribution.statement.parameters.smallness_bound() as i128 + 1;
    assert!(matches!(refused(&|proof| proof.sums[5] = large), NormProofError::Smallness { row: 5 }));
    assert!(matches!(refused(&|proof| proof.sums[127] = -large), NormProofError::Smallness { row: 127 }));
    assert!(matches!(refused(&|proof| proof.sums[127] = i128::MIN), NormProofError::Smallness { row: 127 }));
    assert!(matches!(refused(&|proof| proof.sums[5] += 1), NormProofError::Linear));
    assert!(matches!(refused(&|proof| proof.responses.swap(0, 1)), NormProofError::Linear));
    assert!(matches!(refused(&|proof| proof.projection = proof.smallness), NormProofError::Linear));
    assert!(matches!(refused(&|proof| proof.announcements.swap(0, 1)), NormProofError::Linear));
    // The linear relation does not use these responses. The range proof fails first, because it
    // continues the same transcript.
    assert!(matches!(refused(&|proof| proof.slack_responses.swap(0, 1)), NormProofError::Range(_)));
    assert!(matches!(refused(&|proof| proof.blinding_responses.swap(0, 5)), NormProofError::Range(_)));
}

/// The bounds of the proof and the sum of the commitments are of the same holders.
#[test]
fn a_statement_has_a_commitment_for_each_holder() {
    let honest = Contribution::honest(3).statement;
    let with = |commitments: Vec<_>| Statement::new(PublicValues { commitments, ..honest.0.clone() });
    let one = honest.commitments[0];
    for found in [0, 1, 3, 258] {
        let refused = with(vec![one; found]).unwrap_err();
        assert!(matches!(refused, NormProofError::Commitments { expected: 2, found: n } if n == found));
        assert_eq!(refused.failed_check(), None, "no proof is at fault");
    }
    with(honest.commitments.clone()).unwrap();
}

/// A change to a statement, with its name.
type Change<'a> = (&'a str, &'a dyn Fn(&mut PublicValues));

#[test]
fn a_proof_is_for_one_statement_only() {
    let contribution = Contribution::honest(3);
    let proof = contribution.prove().unwrap();
    let share = KeyShare::derive(&[9; 32].into(), &[1; 32].into(), &[2; 32].into(), 0).commit();
    let looser = |statement: &mut PublicValues| {
        let p = statement.parameters;
        statement.parameters =
            Parameters::new(p.blocks(), p.width(), p.noisy_norm_bound() + 1, p.holders()).unwrap();
    };
    let other_size = |blocks: u64, width: u32, holders: u8| {
        move |statement: &mut PublicValues| {
            let width = lattice::Width::from_transport_bits(width).unwrap();
            let bound = statement.parameters.noisy_norm_bound();
            statement.parameters = Parameters::new(blocks, width, bound, holders).unwrap();
        }
    };
    let changes: [Change<'_>; 10] = [
        ("another round", &|s| flip(&mut s.round_hash, 0)),
        ("another client", &|s| flip(&mut s.client_key, 248)),
        ("another weight", &|s| s.weight += 1),
        ("another body's digest", &|s| flip(&mut s.body_digest, 24)),
        ("other sealed seeds", &|s| flip(&mut s.sealed_digest, 24)),
        ("a commitment replaced", &|s| s.commitments[1] = share),
        ("commitments in another order", &|s| s.commitments.swap(0, 1)),
        ("other masks", &|s| s.masks = lattice::MaskPolynomials::derive(&[3; 32].into())),
        ("a looser bound", &looser),
        ("another number of holders", &other_size(2, super::fixture::TRANSPORT_BITS, 3)),
    ];
    for (name, change) in changes {
        let mut statement = contribution.statement.clone();
        change(&mut statement.0);
        let refused = verify(&statement, &proof, &contribution.body).unwrap_err();
        assert!(matches!(refused, NormProofError::Linear), "{name}: {refused}");
    }
    for change in [other_size(1, super::fixture::TRANSPORT_BITS, 2), other_size(2, 19, 2)] {
        let mut statement = contribution.statement.clone();
        change(&mut statement.0);
        assert!(verify(&statement, &proof, &contribution.body).is_err());
    }
}

#[test]
fn a_proof_is_for_one_body_only() {
    let contribution = Contribution::honest(4);
    let proof = contribution.prove().unwrap();
    for bit in [0, 1_000, 8 * contribution.body.len() - 9] {
        let mut body = contribution.body.clone();
        body[bit / 8] ^= 1 << (bit % 8);
        let refused = verify(&contribution.statement, &proof, &body).unwrap_err();
        assert!(matches!(refused, NormProofError::Linear | NormProofError::Backend(_)), "{refused}");
    }
    let other = Contribution::honest(5);
    assert!(matches!(verify(&contribution.statement, &proof, &other.body), Err(NormProofError::Linear)));
}

#[test]
fn encodings_that_are_not_canonical_are_refused_by_field() {
    let bytes = Contribution::honest(6).prove().unwrap().to_bytes();
    for length in [0, 1, PROOF_BYTES - 1] {
        let refused = NormProof::from_bytes(&bytes[..length]).unwrap_err();
        assert!(matches!(refused, NormProofError::Length { expected: PROOF_BYTES, .. }));
    }
    assert!(NormProof::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let replaced = |offset: usize, value| {
        let mut changed = bytes.clone();
        changed[offset..offset + 32].copy_from_slice(&[value; 32]);
        match NormProof::from_bytes(&changed).unwrap_err() {
            NormProofError::Encoding { field } => field,
            other => panic!("{other}"),
        }
    };
    // The byte that fills each invalid point or scalar.
    let (identity, no_point, no_scalar) = (0, 0xff, 0xff);
    for value in [identity, no_point] {
        assert_eq!(replaced(6, value), "projection commitment");
        assert_eq!(replaced(38, value), "smallness commitment");
        assert_eq!(replaced(70, value), "slack commitments");
        assert_eq!(replaced(134 + 2048, value), "announcements");
        assert_eq!(replaced(134 + 2048 + 160, value), "cross terms");
    }
    let scalars = 134 + 2048 + 224;
    assert_eq!(replaced(scalars, no_scalar), "linear mask");
    assert_eq!(replaced(scalars + 32 * 2434, no_scalar), "responses");
    assert_eq!(replaced(scalars + 32 * 2435, no_scalar), "slack responses");
    assert_eq!(replaced(scalars + 32 * 2442, no_scalar), "blinding responses");
    assert_eq!(replaced(PROOF_BYTES - 32, no_scalar), "range proof");
    assert_eq!(replaced(0, 7), "name and version");
}

proptest! {
    #[test]
    fn decoding_survives_any_bytes(mut bytes in prop::collection::vec(any::<u8>(), PROOF_BYTES), tag: bool) {
        if tag {
            bytes[..6].copy_from_slice(b"BSNP\x01\x00");
        }
        prop_assert!(NormProof::from_bytes(&bytes).is_err());
    }
}
