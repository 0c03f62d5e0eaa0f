//! The constants of a round, as a pure function of the round's request.

use std::cmp::Ordering;

use lattice::{CHUNK_COEFFICIENTS, MODULUS, RING_DEGREE, Width};

/// The parameters that the creator of a round chooses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundRequest {
    /// d, coordinates of an update: 1 to 2³².
    pub dimension: u64,
    /// n_max, contributions in a sum: 1 to 2²⁰.
    pub max_contributions: u32,
    /// B, bound of the ℓ₂ norm of an honest quantised update: 2¹⁰ to 2³¹ − 1.
    pub norm_bound: u64,
    /// C, ℓ₂ norm to which a weighted update is clipped: 1e-9 to 1e9.
    pub clip: f64,
}

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
    /// B, bound of the ℓ₂ norm of an honest quantised update.
    pub norm_bound: u64,
    /// δ = log₂ Δ, 20 to 44.
    pub scale_log2: u32,
    /// τ, the number of low bits of a coefficient that are rounded away, 1 to 32.
    pub transport_bits: u32,
    /// B_φ, bound of the ℓ₂ norm of Δ·x + e including the rounding error.
    pub noisy_norm_bound: u64,
    /// R, bound of the ℓ₂ norm of anything that a client can contribute.
    pub influence_bound: u64,
    /// C, ℓ₂ norm to which a weighted update is clipped.
    pub clip: f64,
    /// Integer steps per unit of a weighted update.
    pub scale: f64,
}

impl RoundConstants {
    /// Chooses the largest Δ that satisfies every condition, and the largest τ for that Δ.
    ///
    /// # Errors
    /// When the request is out of range. When no pair satisfies all conditions, the error is the
    /// condition that the closest pair misses.
    pub fn derive(request: &RoundRequest) -> Result<Self, ConstantsError> {
        check_ranges(request)?;
        let RoundRequest { dimension, max_contributions, norm_bound, clip } = *request;
        let padded_dimension = dimension.next_multiple_of(RING_DEGREE as u64);
        check_norm_bound(norm_bound, padded_dimension)?;
        let pair = Pair::choose(padded_dimension, max_contributions, norm_bound)?;
        let headroom = norm_bound * norm_bound - padded_dimension / 4 - 8 * norm_bound;
        Ok(Self {
            dimension,
            padded_dimension,
            max_contributions,
            norm_bound,
            scale_log2: pair.scale_log2,
            transport_bits: pair.transport_bits,
            noisy_norm_bound: u64::try_from(pair.noisy_norm_bound).expect("125·R <= q bounds it"),
            influence_bound: u64::try_from(pair.influence_bound).expect("125·R <= q"),
            clip,
            scale: (headroom as f64).sqrt() / clip,
        })
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

    /// Coefficients of chunk `index`. The last chunk may have fewer than the others. A chunk beyond
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

/// A candidate for (δ, τ) and the bounds that follow from it.
struct Pair {
    scale_log2: u32,
    transport_bits: u32,
    noisy_norm_bound: u128,
    influence_bound: u128,
}

impl Pair {
    const SCALES: std::ops::RangeInclusive<u32> = 20..=44;
    const TRANSPORT: std::ops::RangeInclusive<u32> = 1..=32;

    fn choose(
        padded_dimension: u64,
        max_contributions: u32,
        norm_bound: u64,
    ) -> Result<Self, ConstantsError> {
        let mut misses = Vec::new();
        for scale_log2 in Self::SCALES.rev() {
            for transport_bits in Self::TRANSPORT.rev() {
                let pair = Self::new(padded_dimension, norm_bound, scale_log2, transport_bits);
                match pair.check(max_contributions) {
                    Ok(()) => return Ok(pair),
                    Err(miss) => misses.push(miss),
                }
            }
        }
        let closest = misses.into_iter().min_by(Miss::order).expect("there are candidates");
        Err(closest.error)
    }

    fn new(padded_dimension: u64, norm_bound: u64, scale_log2: u32, transport_bits: u32) -> Self {
        let root = padded_dimension.isqrt();
        let root = u128::from(root + u64::from(root * root < padded_dimension));
        let per_coordinate = (1_u128 << 18) + (1 << (transport_bits - 1));
        let noisy_norm_bound = (u128::from(norm_bound) << scale_log2) + root * per_coordinate;
        let influence_bound = (271 * noisy_norm_bound).div_ceil(100);
        Self { scale_log2, transport_bits, noisy_norm_bound, influence_bound }
    }

    /// Checks all conditions in order. Returns the first one that fails.
    fn check(&self, max_contributions: u32) -> Result<(), Miss> {
        let &Self { scale_log2, transport_bits, influence_bound, .. } = self;
        let (q, n) = (u128::from(MODULUS), u128::from(max_contributions));
        let (total, limit) = (n * influence_bound, (q - 1) / 2);
        if total >= limit {
            let error = ConstantsError::Overflow { scale_log2, transport_bits, total, limit };
            return Err(Miss::new(0, total, limit, error));
        }
        if 125 * influence_bound > q {
            let error =
                ConstantsError::Influence { scale_log2, transport_bits, influence_bound, limit: q / 125 };
            return Err(Miss::new(1, influence_bound, q / 125, error));
        }
        if n > 1 << transport_bits {
            let error = ConstantsError::Transport { scale_log2, transport_bits, max_contributions };
            return Err(Miss::new(2, n, 1 << transport_bits, error));
        }
        let variance = 64 * n * (((1 << 36) - 1) * 8 + (1 << (2 * transport_bits)));
        let margin = (1_u128 << (scale_log2 - 1)).saturating_sub(4 * n);
        let limit = 12 * margin * margin;
        if variance >= limit {
            let error = ConstantsError::Noise { scale_log2, transport_bits, variance, limit };
            return Err(Miss::new(3, variance, limit, error));
        }
        Ok(())
    }
}

/// A condition that a candidate misses.
struct Miss {
    /// The number of conditions that the candidate meets before this one.
    met: u8,
    /// The offending value divided by its limit.
    excess: f64,
    error: ConstantsError,
}

impl Miss {
    fn new(met: u8, value: u128, limit: u128, error: ConstantsError) -> Self {
        Self { met, excess: value as f64 / limit as f64, error }
    }

    /// Orders the closest candidate first: by more conditions met, then by smaller excess.
    fn order(&self, other: &Self) -> Ordering {
        other.met.cmp(&self.met).then(self.excess.total_cmp(&other.excess))
    }
}

/// The reason why a round with the requested parameters is impossible.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstantsError {
    /// d is outside 1 to 2³².
    #[error("dimension {dimension} is outside 1 to 2^32")]
    Dimension {
        /// d.
        dimension: u64,
    },
    /// n_max is outside 1 to 2²⁰.
    #[error("{max_contributions} contributions are outside 1 to 2^20")]
    Contributions {
        /// n_max.
        max_contributions: u32,
    },
    /// B is outside 2¹⁰ to 2³¹ − 1.
    #[error("norm bound {norm_bound} is outside 2^10 to 2^31 - 1")]
    NormBound {
        /// B.
        norm_bound: u64,
    },
    /// C is outside 1e-9 to 1e9.
    #[error("clip {clip} is outside 1e-9 to 1e9")]
    Clip {
        /// C.
        clip: f64,
    },
    /// B² < d' + 16·B. The rounding alone could exceed the norm bound.
    #[error("norm bound {norm_bound} leaves no room for rounding {padded_dimension} coordinates")]
    Rounding {
        /// B.
        norm_bound: u64,
        /// d'.
        padded_dimension: u64,
    },
    /// n_max·R ≥ (q − 1)/2. A sum could wrap around.
    #[error("at scale 2^{scale_log2} a sum could reach {total}, which must stay below {limit}")]
    Overflow {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// n_max·R.
        total: u128,
        /// (q − 1)/2.
        limit: u128,
    },
    /// 125·R > q. A projection of a contribution could wrap around.
    #[error(
        "at scale 2^{scale_log2} a contribution could reach {influence_bound}, at most {limit} is allowed"
    )]
    Influence {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// R.
        influence_bound: u128,
        /// ⌊q/125⌋.
        limit: u128,
    },
    /// n_max > 2^τ. A sum of packed words could overflow 64 bits.
    #[error("sums of {max_contributions} words of 64 - {transport_bits} bits could overflow")]
    Transport {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// n_max.
        max_contributions: u32,
    },
    /// Eight standard deviations of summed error and rounding reach Δ/2.
    #[error(
        "at scale 2^{scale_log2} with {transport_bits} bits rounded away, noise {variance} must stay below {limit}"
    )]
    Noise {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// 64·n_max·((2³⁶ − 1)·8 + 2^(2τ)), 12 times the square of eight standard deviations.
        variance: u128,
        /// 12·(Δ/2 − 4·n_max)².
        limit: u128,
    },
}

fn check_ranges(request: &RoundRequest) -> Result<(), ConstantsError> {
    let RoundRequest { dimension, max_contributions, norm_bound, clip } = *request;
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
    Ok(())
}

fn check_norm_bound(norm_bound: u64, padded_dimension: u64) -> Result<(), ConstantsError> {
    if norm_bound * norm_bound < padded_dimension + 16 * norm_bound {
        return Err(ConstantsError::Rounding { norm_bound, padded_dimension });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn example() -> RoundRequest {
        RoundRequest { dimension: 1 << 20, max_contributions: 4096, norm_bound: 1 << 18, clip: 1.0 }
    }

    /// Whether the pair meets the conditions, written from their definition.
    fn satisfied(d: u128, n: u128, b: u128, delta: u32, tau: u32) -> bool {
        let q = u128::from(MODULUS);
        let root = (0..).map(|k| d.isqrt() + k).find(|r| r * r >= d).unwrap();
        let b_phi = (b << delta) + root * ((1 << 18) + (1 << (tau - 1)));
        let r = (271 * b_phi).div_ceil(100);
        let half = 1 << (delta - 1);
        n * r < (q - 1) / 2
            && 125 * r <= q
            && n <= 1 << tau
            && half > 4 * n
            && 64 * n * (((1 << 36) - 1) * 8 + (1 << (2 * tau))) < 12 * (half - 4 * n).pow(2)
    }

    #[test]
    fn the_example_round_takes_42_bits_a_coordinate() {
        let constants = RoundConstants::derive(&example()).unwrap();
        assert_eq!((constants.scale_log2, constants.transport_bits), (31, 22));
        assert_eq!(constants.width().bits(), 42);
        assert_eq!(constants.noisy_norm_bound, (1 << 49) + 1024 * ((1 << 18) + (1 << 21)));
        assert_eq!((constants.chunks(), constants.blocks()), (1, 512));
        assert_eq!(constants.body_bytes(), (1 << 20) * 42 / 8);
        assert_eq!(constants.scale, ((1_u64 << 36) as f64 - 2_f64.powi(18) - 2_f64.powi(21)).sqrt());
    }

    #[test]
    fn chunks_cover_the_padded_dimension() {
        let constants =
            RoundConstants::derive(&RoundRequest { dimension: (5 << 20) + 1, ..example() }).unwrap();
        assert_eq!(constants.padded_dimension, (5 << 20) + 2048);
        assert_eq!(
            (constants.chunks(), constants.chunk_coefficients(4), constants.chunk_coefficients(5)),
            (6, 1 << 20, 2048)
        );
        assert_eq!((constants.chunk_coefficients(6), constants.chunk_coefficients(u64::MAX)), (0, 0));
        assert_eq!((0..6).map(|i| constants.chunk_bytes(i) as u64).sum::<u64>(), constants.body_bytes());
    }

    #[test]
    fn requests_out_of_range_are_refused_by_name() {
        use ConstantsError as E;
        let derive = |change: fn(&mut RoundRequest)| {
            let mut request = example();
            change(&mut request);
            RoundConstants::derive(&request).unwrap_err()
        };
        assert_eq!(derive(|r| r.dimension = 0), E::Dimension { dimension: 0 });
        assert_eq!(derive(|r| r.dimension = (1 << 32) + 1), E::Dimension { dimension: (1 << 32) + 1 });
        assert_eq!(derive(|r| r.max_contributions = 0), E::Contributions { max_contributions: 0 });
        assert_eq!(
            derive(|r| r.max_contributions = (1 << 20) + 1),
            E::Contributions { max_contributions: (1 << 20) + 1 }
        );
        assert_eq!(derive(|r| r.norm_bound = 1023), E::NormBound { norm_bound: 1023 });
        assert_eq!(derive(|r| r.norm_bound = 1 << 31), E::NormBound { norm_bound: 1 << 31 });
        assert_eq!(derive(|r| r.clip = 1e10), E::Clip { clip: 1e10 });
        assert!(matches!(derive(|r| r.clip = f64::NAN), E::Clip { .. }));
        assert_eq!(
            derive(|r| r.norm_bound = 1024),
            E::Rounding { norm_bound: 1024, padded_dimension: 1 << 20 }
        );
    }

    #[test]
    fn the_norm_bound_must_leave_room_for_rounding() {
        // B = 1040: B² − 16·B = 1 064 960 = 520 · 2048.
        let exact = RoundRequest { dimension: 1_064_960, norm_bound: 1040, ..example() };
        assert!(RoundConstants::derive(&exact).is_ok());
        let beyond = RoundRequest { dimension: 1_064_961, ..exact };
        assert!(matches!(RoundConstants::derive(&beyond), Err(ConstantsError::Rounding { .. })));
    }

    #[test]
    fn a_round_too_large_for_the_modulus_names_the_condition() {
        let large = RoundRequest { max_contributions: 1 << 20, norm_bound: (1 << 31) - 1, ..example() };
        assert!(matches!(
            RoundConstants::derive(&large),
            Err(ConstantsError::Overflow { scale_log2: 20, .. })
        ));
        let noisy = RoundRequest { max_contributions: 1 << 16, norm_bound: 1 << 20, ..example() };
        assert!(matches!(RoundConstants::derive(&noisy), Err(ConstantsError::Noise { .. })));
    }

    proptest! {
        #[test]
        fn derived_constants_are_the_first_pair_that_satisfies_every_condition(
            dimension in prop_oneof![1..=4096_u64, 1..=1_u64 << 32],
            contributions_log2 in 0..=20_u32,
            norm_bound in prop_oneof![1 << 10..1_u64 << 14, 1 << 10..1_u64 << 31],
        ) {
            let max_contributions = 1 << contributions_log2;
            let request = RoundRequest { dimension, max_contributions, norm_bound, clip: 0.5 };
            let (d, n) = (u128::from(dimension.div_ceil(2048) * 2048), u128::from(max_contributions));
            let b = u128::from(norm_bound);
            let first = (20..=44).rev().flat_map(|delta| (1..=32).rev().map(move |tau| (delta, tau)))
                .find(|&(delta, tau)| satisfied(d, n, b, delta, tau))
                .filter(|_| b * b >= d + 16 * b);
            let derived = RoundConstants::derive(&request).ok();
            prop_assert_eq!(derived.map(|c| (c.scale_log2, c.transport_bits)), first);
        }
    }
}
