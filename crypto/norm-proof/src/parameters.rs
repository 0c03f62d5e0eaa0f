//! The bounds of the proof, derived from a round's constants.

use lattice::expand::ProjectionRows;
use lattice::{MODULUS, RING_DEGREE, Width, sample::KEY_SHARE_BOUND};

use crate::NormProofError;

/// The factor of the bound. An honest φ has ‖Rφ‖² ≤ 220·B_φ² except with probability 2⁻³².
pub(crate) const COMPLETENESS: u128 = 220;

/// log₂ of the bound of the flooding: y_j is uniform in [−2¹¹⁹, 2¹¹⁹).
pub(crate) const FLOODING_LOG2: u32 = 119;

/// The most blocks of a contribution. They are 2³² coordinates.
const MAX_BLOCKS: u64 = 1 << 21;
const MAX_HOLDERS: u8 = 8;

/// The parameters from which every bound of the proof follows: the size of a contribution, its
/// transport width, the bound B_φ and the number of holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    blocks: u64,
    width: Width,
    noisy_norm_bound: u64,
    holders: u8,
}

impl Parameters {
    /// The parameters of contributions of `blocks` blocks with `width` bits for each coordinate. An
    /// honest norm is at most B_φ = `noisy_norm_bound`. A key is the sum of the shares of `holders`
    /// holders.
    ///
    /// # Errors
    /// When the blocks are not 1 to 2²¹, when the holders are not 1 to 8, when B_φ is 0, or when
    /// 125·⌈2.71·B_φ⌉ > q. In the last case the lemma of modular projections does not apply.
    pub fn new(
        blocks: u64,
        width: Width,
        noisy_norm_bound: u64,
        holders: u8,
    ) -> Result<Self, NormProofError> {
        if !(1..=MAX_BLOCKS).contains(&blocks) {
            return Err(NormProofError::Blocks { blocks });
        }
        if !(1..=MAX_HOLDERS).contains(&holders) {
            return Err(NormProofError::Holders { holders });
        }
        let influence_bound = (271 * u128::from(noisy_norm_bound)).div_ceil(100);
        if noisy_norm_bound == 0 || 125 * influence_bound > u128::from(MODULUS) {
            return Err(NormProofError::NormBound { noisy_norm_bound });
        }
        Ok(Self { blocks, width, noisy_norm_bound, holders })
    }

    /// Blocks of N coordinates in a contribution.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Bits of a coordinate on the wire.
    pub fn width(&self) -> Width {
        self.width
    }

    /// B_φ, the bound of an honest norm.
    pub fn noisy_norm_bound(&self) -> u64 {
        self.noisy_norm_bound
    }

    /// The number of holders.
    pub fn holders(&self) -> u8 {
        self.holders
    }

    /// 220·B_φ², the proved bound of ‖Rφ mod q‖². It is below 2¹¹⁹.
    pub fn projected_bound(&self) -> u128 {
        COMPLETENESS * u128::from(self.noisy_norm_bound).pow(2)
    }

    /// The bound of Σ|s_k| for an honest key: 32 for each coefficient and holder.
    fn key_bound(&self) -> u128 {
        RING_DEGREE as u128 * KEY_SHARE_BOUND as u128 * u128::from(self.holders)
    }

    /// The bound of Σ|w_t| ≤ √K·‖w‖₂ for an honest projection.
    fn projection_bound(&self) -> u128 {
        (ProjectionRows::COUNT as u128 * self.projected_bound()).isqrt() + 1
    }

    /// The bound of |κ| for an honest prover: (Σ|s_k| + Σ|w_t|)·q + q, divided by q.
    fn quotient_bound(&self) -> u128 {
        self.key_bound() + self.projection_bound() + 1
    }

    /// The bound of |⟨ρ, (s ‖ w ‖ κ)⟩| for any ternary ρ and an honest prover.
    pub(crate) fn combination_bound(&self) -> u128 {
        self.key_bound() + self.projection_bound() + 2 * self.quotient_bound()
    }

    /// V, the largest |v_j| that the verifier accepts. An honest prover never exceeds it.
    pub(crate) fn smallness_bound(&self) -> u128 {
        (1 << FLOODING_LOG2) + self.combination_bound()
    }
}
