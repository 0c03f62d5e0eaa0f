//! The Fiat–Shamir transcript: every label, and the order in which values are absorbed and
//! challenges are drawn.
//!
//! The methods are called in the order of this file. Every value that a challenge must depend on is
//! absorbed by the method that draws the challenge, or by an earlier one.

use std::fmt;

use curve25519_dalek::Scalar;
use lattice::{
    Fq,
    expand::{ProjectionRows, PublicStreamKey},
    field,
};
use merlin::{Transcript, TranscriptRng};
use names::labels::{self, transcript as label};
use rand::{CryptoRng, RngCore};
use sharing::Commitment;

use crate::Statement;

/// The transcript of one proof.
pub(crate) struct ProofTranscript(Transcript);

impl ProofTranscript {
    /// Starts a transcript and absorbs the statement.
    pub(crate) fn new(statement: &Statement) -> Self {
        let mut transcript = Transcript::new(labels::NORM_PROOF.qualified().as_bytes());
        let parameters = &statement.parameters;
        transcript.append_u64(label::BLOCKS, parameters.blocks());
        transcript.append_u64(label::WIDTH, parameters.width().bits().into());
        transcript.append_u64(label::NOISY_NORM_BOUND, parameters.noisy_norm_bound());
        transcript.append_u64(label::HOLDERS, parameters.holders().into());
        transcript.append_message(label::MASKS, statement.masks.stream_key().as_bytes());
        transcript.append_message(label::ROUND_HASH, statement.round_hash.as_bytes());
        transcript.append_message(label::CLIENT_KEY, statement.client_key.as_bytes());
        transcript.append_u64(label::WEIGHT, statement.weight.into());
        transcript.append_message(label::BODY_DIGEST, statement.body_digest.as_bytes());
        for commitment in &statement.commitments {
            transcript.append_message(label::KEY_COMMITMENT, commitment.encoded().as_bytes());
        }
        transcript.append_message(label::SEALED_DIGEST, statement.sealed_digest.as_bytes());
        Self(transcript)
    }

    /// Draws R, the rows of the projection.
    pub(crate) fn projection_rows(&mut self) -> ProjectionRows {
        ProjectionRows::new(self.bytes(label::PROJECTION_ROWS).into())
    }

    /// Absorbs P_w and draws z₁ and z₂, jointly.
    pub(crate) fn folding(&mut self, projection: &Commitment) -> [Fq; 2] {
        self.0.append_message(label::PROJECTION_COMMITMENT, projection.encoded().as_bytes());
        let bytes: [u8; 64] = self.bytes(label::FOLDING);
        let (first, second) = bytes.split_at(32);
        [first, second].map(reduce)
    }

    /// Absorbs P_κy, V₀ and V₁ and draws the key of the ternary rows.
    pub(crate) fn smallness_rows(&mut self, smallness: &Commitment, slack: &[Commitment]) -> PublicStreamKey {
        self.0.append_message(label::SMALLNESS_COMMITMENT, smallness.encoded().as_bytes());
        slack
            .iter()
            .for_each(|limb| self.0.append_message(label::SLACK_COMMITMENT, limb.encoded().as_bytes()));
        self.bytes(label::SMALLNESS_ROWS).into()
    }

    /// Absorbs the sums v_j and draws α.
    pub(crate) fn merging(&mut self, sums: &[i128]) -> Scalar {
        sums.iter().for_each(|sum| self.0.append_message(label::SMALLNESS_SUM, &sum.to_le_bytes()));
        self.scalar(label::MERGING)
    }

    /// Absorbs the first message of the Σ-protocol and draws x.
    pub(crate) fn evaluation(
        &mut self,
        announcements: &[Commitment],
        cross_terms: &[Commitment],
        linear_mask: &Scalar,
    ) -> Scalar {
        announcements.iter().for_each(|t| self.0.append_message(label::ANNOUNCEMENT, t.encoded().as_bytes()));
        cross_terms.iter().for_each(|t| self.0.append_message(label::CROSS_TERM, t.encoded().as_bytes()));
        self.0.append_message(label::LINEAR_MASK, linear_mask.as_bytes());
        self.scalar(label::EVALUATION)
    }

    /// Absorbs the responses and continues as the transcript of the range proof.
    pub(crate) fn range_proof(mut self, responses: &[&[Scalar]]) -> Transcript {
        for response in responses.iter().copied().flatten() {
            self.0.append_message(label::RESPONSE, response.as_bytes());
        }
        self.0
    }

    /// A generator that is as good as `rng`. It is unpredictable even when `rng` is not, provided
    /// that `witness` is secret and that the transcript was never before in this state with this
    /// witness.
    pub(crate) fn hedged(&self, witness: &[u8], rng: &mut (impl CryptoRng + RngCore)) -> TranscriptRng {
        self.0.build_rng().rekey_with_witness_bytes(label::WITNESS, witness).finalize(rng)
    }

    fn bytes<const LENGTH: usize>(&mut self, label: &'static [u8]) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        self.0.challenge_bytes(label, &mut bytes);
        bytes
    }

    fn scalar(&mut self, label: &'static [u8]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.bytes(label))
    }
}

impl fmt::Debug for ProofTranscript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofTranscript")
    }
}

/// A 256-bit little-endian integer modulo q.
fn reduce(bytes: &[u8]) -> Fq {
    let limbs = bytes.rchunks_exact(8).map(|limb| u64::from_le_bytes(limb.try_into().expect("eight bytes")));
    Fq::new(limbs.fold(0, |high, limb| field::reduce_wide(u128::from(high) << 64 | u128::from(limb))))
}

#[cfg(test)]
mod tests {
    use testkit::flip;

    use super::*;

    #[test]
    fn challenges_are_reduced_from_256_bits() {
        assert_eq!(reduce(&[0; 32]), Fq::ZERO);
        let mut bytes = [0; 32];
        bytes[8] = 1;
        bytes[0] = 5;
        assert_eq!(reduce(&bytes), Fq::new((1 << 32) - 1) + Fq::new(5));
        // 2²⁵⁶ − 1 = (2⁶⁴)⁴ − 1
        assert_eq!(reduce(&[0xff; 32]), Fq::new((1 << 32) - 1).pow(4) - Fq::ONE);
    }

    fn statement() -> Statement {
        let width = lattice::Width::from_transport_bits(20).unwrap();
        Statement(crate::PublicValues {
            parameters: crate::Parameters::new(3, width, 1 << 40, 2).unwrap(),
            masks: lattice::MaskPolynomials::derive(&[1; 32].into()),
            round_hash: [2; 32].into(),
            client_key: [3; 32].into(),
            weight: 4,
            body_digest: [5; 32].into(),
            commitments: vec![point(1), point(2)],
            sealed_digest: [6; 32].into(),
        })
    }

    fn point(number: u64) -> Commitment {
        Commitment::from_point(Scalar::from(number) * sharing::generators::blinding())
    }

    /// Every challenge changes when any value before it changes.
    #[test]
    fn a_challenge_depends_on_all_that_was_sent_before_it() {
        type Change<'a> = &'a dyn Fn(&mut crate::PublicValues);
        let rows = |change: Change<'_>| {
            let mut changed = statement();
            change(&mut changed.0);
            *ProofTranscript::new(&changed).projection_rows().stream_key()
        };
        let parameters = |blocks, width, bound, holders| {
            let width = lattice::Width::from_transport_bits(width).unwrap();
            crate::Parameters::new(blocks, width, bound, holders).unwrap()
        };
        let changes: [Change<'_>; 12] = [
            &|s| s.parameters = parameters(4, 20, 1 << 40, 2),
            &|s| s.parameters = parameters(3, 21, 1 << 40, 2),
            &|s| s.parameters = parameters(3, 20, 1 << 41, 2),
            &|s| s.parameters = parameters(3, 20, 1 << 40, 3),
            &|s| s.masks = lattice::MaskPolynomials::derive(&[9; 32].into()),
            &|s| flip(&mut s.round_hash, 248),
            &|s| flip(&mut s.client_key, 248),
            &|s| s.weight ^= 1,
            &|s| flip(&mut s.body_digest, 248),
            &|s| s.commitments[0] = point(3),
            &|s| s.commitments[1] = point(3),
            &|s| flip(&mut s.sealed_digest, 248),
        ];
        for (number, change) in changes.iter().enumerate() {
            assert_ne!(rows(change), rows(&|_| ()), "change {number} of the statement");
        }

        let folding = |p| ProofTranscript::new(&statement()).folding(&point(p));
        assert_ne!(folding(5), folding(6));
        let smallness =
            |p, v: [u64; 2]| ProofTranscript::new(&statement()).smallness_rows(&point(p), &v.map(point));
        for (p, v) in [(8, [6, 7]), (5, [8, 7]), (5, [6, 8]), (5, [7, 6])] {
            assert_ne!(smallness(p, v), smallness(5, [6, 7]));
        }
        let merging = |sums: &[i128]| ProofTranscript::new(&statement()).merging(sums);
        assert_ne!(merging(&[1, 2, 3]), merging(&[1, 2, 4]));
        assert_ne!(merging(&[1, 2, 3]), merging(&[-1, 2, 3]));
        let evaluation = |t: [u64; 2], c: [u64; 2], mask: u64| {
            ProofTranscript::new(&statement()).evaluation(&t.map(point), &c.map(point), &Scalar::from(mask))
        };
        for (t, c, mask) in [
            ([9, 2], [3, 4], 5),
            ([1, 9], [3, 4], 5),
            ([1, 2], [9, 4], 5),
            ([1, 2], [3, 9], 5),
            ([1, 2], [3, 4], 9),
        ] {
            assert_ne!(evaluation(t, c, mask), evaluation([1, 2], [3, 4], 5));
        }
    }
}
