//! The constants of a round, as a pure function of the round's request.

use lattice::{CHUNK_COEFFICIENTS, RING_DEGREE, Width};

use self::pair::Pair;

mod error;
mod pair;
mod request;
#[cfg(test)]
mod tests;

pub use self::error::{ConstantsError, Remedy};
pub use self::request::RoundRequest;

/// The constants that every party derives from a [`RoundRequest`].
///
/// [`derive`](Self::derive) is the only way to get them. Constants therefore satisfy every
/// condition of the parameters' derivation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoundConstants {
    /// d, coordinates of an update.
    pub dimension: u64,
    /// d', d rounded up to whole blocks.
    pub padded_dimension: u64,
    /// n_max, contributions in a sum.
    pub max_contributions: u32,
    /// B, bound of the ℓ₂ norm of an honest quantised update of the largest weight.
    pub norm_bound: u64,
    /// The smallest weight of a contribution.
    pub weight_min: u32,
    /// The largest weight of a contribution.
    pub weight_max: u32,
    /// W, the largest sum of weights.
    pub max_total_weight: u64,
    /// δ = log₂ Δ, 20 to 44.
    pub scale_log2: u32,
    /// τ, the number of low bits of a coefficient that are rounded away, 1 to 32.
    pub transport_bits: u32,
    /// B_φ, bound of the ℓ₂ norm of Δ·x + e including the rounding error, for the largest weight.
    pub noisy_norm_bound: u64,
    /// R, bound of the ℓ₂ norm of anything that a client can contribute.
    pub influence_bound: u64,
    /// C, ℓ₂ norm to which an update is clipped before it is weighted.
    pub clip: f64,
    /// Integer steps per unit of a weighted update.
    pub scale: f64,
}

impl RoundConstants {
    /// Chooses the largest Δ that satisfies every condition, and the largest τ for that Δ.
    ///
    /// # Errors
    /// When the request is out of range, or leaves the smallest weight too small a norm bound. When
    /// no pair satisfies all conditions, the error is the condition that the closest pair misses.
    pub fn derive(request: &RoundRequest) -> Result<Self, ConstantsError> {
        check_ranges(request)?;
        let RoundRequest { dimension, max_contributions, norm_bound, clip, .. } = *request;
        let RoundRequest { weight_min, weight_max, max_total_weight, .. } = *request;
        request.check_lightest()?;
        let pair = Pair::choose(request)?;
        let lightest = request.lightest_norm_bound();
        let headroom = lightest * lightest - request.padded_dimension() / 4 - 8 * lightest;
        Ok(Self {
            dimension,
            padded_dimension: request.padded_dimension(),
            max_contributions,
            norm_bound,
            weight_min,
            weight_max,
            max_total_weight,
            scale_log2: pair.scale_log2,
            transport_bits: pair.transport_bits,
            noisy_norm_bound: u64::try_from(pair.noisy_norm_bound).expect("125·R <= q bounds it"),
            influence_bound: u64::try_from(pair.influence_bound).expect("125·R <= q"),
            clip,
            scale: (headroom as f64).sqrt() / (f64::from(weight_min) * clip),
        })
    }

    /// B(w) = ⌊B·w/w_max⌋, bound of the ℓ₂ norm of an honest quantised update of this weight. A
    /// weight above the round's largest counts as the largest.
    pub fn norm_bound_of(&self, weight: u32) -> u64 {
        share(self.norm_bound, weight.min(self.weight_max), self.weight_max)
    }

    /// B_φ(w) = 2^δ·B(w) + ⌈√d'⌉·(2¹⁸ + 2^(τ−1)), bound of the ℓ₂ norm of Δ·x + e including the
    /// rounding error, for a contribution of this weight. A weight above the round's largest counts
    /// as the largest.
    pub fn noisy_norm_bound_of(&self, weight: u32) -> u64 {
        self.noisy_norm_bound - ((self.norm_bound - self.norm_bound_of(weight)) << self.scale_log2)
    }

    /// w = 64 − τ, bits of a coefficient on the wire.
    pub fn width(&self) -> Width {
        Width::from_transport_bits(self.transport_bits).expect("derived transport bits are 1 to 32")
    }

    /// Δ = 2^δ, the factor of a quantised value in the masked vector.
    pub fn delta(&self) -> u64 {
        1 << self.scale_log2
    }

    /// Blocks of N coefficients in a contribution.
    pub fn blocks(&self) -> u64 {
        self.padded_dimension / RING_DEGREE as u64
    }

    /// Chunks in a contribution.
    pub fn chunks(&self) -> u64 {
        self.padded_dimension.div_ceil(CHUNK_COEFFICIENTS as u64)
    }

    /// Coefficients of chunk `index`. The last chunk may have fewer than the others; a chunk beyond
    /// it has 0.
    pub fn chunk_coefficients(&self, index: u64) -> usize {
        let start = index.saturating_mul(CHUNK_COEFFICIENTS as u64);
        self.padded_dimension.saturating_sub(start).min(CHUNK_COEFFICIENTS as u64) as usize
    }

    /// Packed bytes of chunk `index`.
    pub fn chunk_bytes(&self, index: u64) -> usize {
        self.width().bytes(self.chunk_coefficients(index))
    }

    /// Packed bytes of a contribution.
    pub fn body_bytes(&self) -> u64 {
        self.padded_dimension / 8 * u64::from(self.width().bits())
    }
}

impl RoundRequest {
    /// A round in which every contribution has the weight 1.
    pub fn unweighted(dimension: u64, max_contributions: u32, norm_bound: u64, clip: f64) -> Self {
        let (weight_min, weight_max, max_total_weight) = (1, 1, max_contributions.into());
        Self { dimension, max_contributions, norm_bound, clip, weight_min, weight_max, max_total_weight }
    }

    fn padded_dimension(&self) -> u64 {
        self.dimension.next_multiple_of(RING_DEGREE as u64)
    }

    /// ⌈√d'⌉.
    fn dimension_root(&self) -> u64 {
        let (d, root) = (self.padded_dimension(), self.padded_dimension().isqrt());
        root + u64::from(root * root < d)
    }

    /// B(w_min), what an honest quantised update of the smallest weight may have.
    fn lightest_norm_bound(&self) -> u64 {
        share(self.norm_bound, self.weight_min, self.weight_max)
    }

    /// What B(w_min) must be at least: 2¹⁰ and 4·⌈√d'⌉. Rounding a contribution of the smallest
    /// weight then takes a small part of its norm.
    fn least_lightest_norm_bound(&self) -> u64 {
        (4 * self.dimension_root()).max(1 << 10)
    }

    fn check_lightest(&self) -> Result<(), ConstantsError> {
        let (lightest, least) = (self.lightest_norm_bound(), self.least_lightest_norm_bound());
        if lightest < least {
            let remedy = Pair::remedy(self);
            return Err(ConstantsError::Lightest { lightest, least, weight_min: self.weight_min, remedy });
        }
        Ok(())
    }
}

/// ⌊bound·weight/largest⌋.
fn share(bound: u64, weight: u32, largest: u32) -> u64 {
    bound * u64::from(weight) / u64::from(largest)
}

fn check_ranges(request: &RoundRequest) -> Result<(), ConstantsError> {
    let RoundRequest { dimension, max_contributions, norm_bound, clip, .. } = *request;
    let RoundRequest { weight_min, weight_max, max_total_weight, .. } = *request;
    if !(1..=1 << 32).contains(&dimension) {
        return Err(ConstantsError::Dimension { dimension });
    }
    if !(1..=1 << 20).contains(&max_contributions) {
        return Err(ConstantsError::Contributions { max_contributions });
    }
    if !(1 << 10..1 << 31).contains(&norm_bound) {
        return Err(ConstantsError::NormBound { norm_bound });
    }
    if !(1e-9..=1e9).contains(&clip) {
        return Err(ConstantsError::Clip { clip });
    }
    if !(1 <= weight_min && weight_min <= weight_max && weight_max <= 1 << 20) {
        return Err(ConstantsError::Weights { weight_min, weight_max });
    }
    let most = u64::from(max_contributions) * u64::from(weight_max);
    if !(u64::from(weight_max)..=most).contains(&max_total_weight) {
        return Err(ConstantsError::TotalWeight { max_total_weight, least: weight_max.into(), most });
    }
    Ok(())
}
