//! The slack 220·B_φ² − ‖w‖² = σ₀ + 2⁶⁴·σ₁, and the range proof that both limbs are below 2⁶⁴.

use bulletproofs::RangeProof;
use curve25519_dalek::{Scalar, ristretto::CompressedRistretto};
use merlin::Transcript;
use rand::{CryptoRng, RngCore};
use sharing::Commitment;

use crate::{
    NormProofError,
    generators::{self, LIMB_BITS, LIMBS},
};

/// Bytes of the range proof: seven elements, two for each halving of its 128 bits, and two at the
/// end.
pub(crate) const RANGE_PROOF_BYTES: usize = 32 * (7 + 2 * (LIMBS * LIMB_BITS).ilog2() as usize + 2);

/// 2⁶⁴, the weight of σ₁.
pub(crate) fn limb_weight() -> Scalar {
    Scalar::from(1_u128 << LIMB_BITS)
}

/// Splits `bound − ‖w‖²` into limbs. `None` when it is negative.
pub(crate) fn limbs(bound: u128, projection: &[i128]) -> Option<[u64; LIMBS]> {
    let square = |w: &i128| w.unsigned_abs().checked_pow(2);
    let norm = projection.iter().map(square).try_fold(0_u128, |sum, square| sum.checked_add(square?))?;
    let slack = bound.checked_sub(norm)?;
    Some([slack as u64, (slack >> LIMB_BITS) as u64])
}

/// Proves that the limbs are in range. Their commitments have the given `blindings`.
pub(crate) fn prove(
    mut transcript: Transcript,
    limbs: &[u64; LIMBS],
    blindings: &[Scalar],
    rng: &mut (impl CryptoRng + RngCore),
) -> RangeProof {
    let (range, pedersen) = (generators::range(), generators::pedersen());
    let proof = RangeProof::prove_multiple_with_rng(
        range,
        pedersen,
        &mut transcript,
        limbs,
        blindings,
        LIMB_BITS,
        rng,
    );
    proof.expect("the generators are made for these limbs").0
}

/// Checks the range proof for the limbs in `commitments`.
pub(crate) fn verify(
    mut transcript: Transcript,
    proof: &RangeProof,
    commitments: &[Commitment; LIMBS],
    rng: &mut (impl CryptoRng + RngCore),
) -> Result<(), NormProofError> {
    let commitments = commitments.map(|commitment| CompressedRistretto(commitment.encoded().to_bytes()));
    let (range, pedersen) = (generators::range(), generators::pedersen());
    proof
        .verify_multiple_with_rng(range, pedersen, &mut transcript, &commitments, LIMB_BITS, rng)
        .map_err(NormProofError::Range)
}
