//! Turns a weighted floating-point update into integers of bounded norm.

use std::fmt;

use lattice::RING_DEGREE;
use lattice::expand::{Purpose, SecretStream, SecretStreamKey};
use pulp::Arch;
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::RoundConstants;

/// How often the rounding is tried before the update is shrunk. One try is enough except with
/// probability below 2⁻⁴⁰.
const ATTEMPTS: u64 = 8;

/// A quantised update: d' integers whose ℓ₂ norm is at most B(w), for its weight w.
///
/// `Debug` prints no value, and dropping it overwrites the values.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Quantised {
    values: Vec<i32>,
    clip_ratio: f64,
}

impl Quantised {
    /// The d' integers. The padding is zeros.
    pub fn values(&self) -> &[i32] {
        &self.values
    }

    /// The factor by which clipping shrank the update. It is 1 if the update was not clipped.
    pub fn clip_ratio(&self) -> f64 {
        self.clip_ratio
    }
}

impl fmt::Debug for Quantised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quantised(redacted)")
    }
}

/// The reason why an update was not quantised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantiseError {
    /// The update does not have d coordinates.
    #[error("an update of {length} coordinates, where the round has {dimension}")]
    Length {
        /// Coordinates given.
        length: usize,
        /// d.
        dimension: u64,
    },
    /// A coordinate is infinite or not a number.
    #[error("coordinate {coordinate} is not finite")]
    NotFinite {
        /// The first such coordinate.
        coordinate: usize,
    },
    /// The weight is outside the round's range.
    #[error("an update of weight {weight}, where the round has {min} to {max}")]
    Weight {
        /// The weight given.
        weight: u32,
        /// w_min.
        min: u32,
        /// w_max.
        max: u32,
    },
}

/// Clips `update`, weights it and rounds it to integers.
///
/// The weighted update is u = weight·x·min(1, C/‖x‖₂). Each u_k·scale is then rounded down or up at
/// random, so that its expectation is u_k·scale.
///
/// The result has ‖·‖₂ ≤ B(weight). A rounding that exceeds it is repeated a bounded number of
/// times. After that the update is halved until a rounding fits. The same `rng_seed` gives the same
/// result on every machine. The seed is as secret as the update. Not constant-time in the update.
///
/// # Errors
/// When the update has the wrong length or a coordinate that is not finite, or when the weight is
/// outside the round's range.
pub fn quantise(
    update: &[f32],
    weight: u32,
    constants: &RoundConstants,
    rng_seed: SecretStreamKey,
) -> Result<Quantised, QuantiseError> {
    if update.len() as u64 != constants.dimension {
        return Err(QuantiseError::Length { length: update.len(), dimension: constants.dimension });
    }
    let (min, max) = (constants.weight_min, constants.weight_max);
    if !(min..=max).contains(&weight) {
        return Err(QuantiseError::Weight { weight, min, max });
    }
    let norm = euclidean_norm(update);
    // The norm is finite if every coordinate is. The sum of up to 2³² squares of finite
    // single-precision numbers is far from overflow in double precision.
    if !norm.is_finite() {
        let coordinate = update.iter().position(|x| !x.is_finite()).unwrap_or_default();
        return Err(QuantiseError::NotFinite { coordinate });
    }
    let mut clip_ratio = if norm > constants.clip { constants.clip / norm } else { 1.0 };
    let mut values = vec![0; constants.padded_dimension as usize];
    for attempt in 0.. {
        let factor = f64::from(weight) * clip_ratio * constants.scale;
        if round(update, factor, &rng_seed, attempt, &mut values) <= constants.norm_bound_of(weight).pow(2) {
            break;
        }
        // The loop ends because every rounding fits once ‖u·scale‖ ≤ B(w) − √d'. B(w) ≥ 4·√d' makes
        // that bound positive.
        if attempt >= ATTEMPTS {
            clip_ratio /= 2.0;
        }
    }
    Ok(Quantised { values, clip_ratio })
}

/// ‖x‖₂ in double precision. The order of summation does not depend on the number of threads.
fn euclidean_norm(x: &[f32]) -> f64 {
    let block_sum = |block: &[f32]| block.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let sums: Vec<f64> = x.par_chunks(RING_DEGREE).map(block_sum).collect();
    sums.iter().sum::<f64>().sqrt()
}

/// Rounds factor·x at random into `values`. Returns the square of the norm of `values`.
///
/// The stream of block j and attempt t has index j + 2³²·t. Its `u32` words decide the coordinates
/// of the block in order.
fn round(x: &[f32], factor: f64, seed: &SecretStreamKey, attempt: u64, values: &mut [i32]) -> u64 {
    let round_block = |bytes: &mut Zeroizing<Vec<u8>>, (j, (x, values)): (usize, (&[f32], &mut [i32]))| {
        SecretStream::new(seed, j as u64 | attempt << 32, Purpose::ROUNDING).fill_bytes(bytes);
        Arch::new().dispatch(
            #[inline(always)]
            || round_with(x, factor, bytes, values),
        )
    };
    let blocks = x.par_chunks(RING_DEGREE).zip(values.par_chunks_mut(RING_DEGREE)).enumerate();
    blocks
        .map_init(|| Zeroizing::new(vec![0; 4 * RING_DEGREE]), round_block)
        .reduce(|| 0, u64::saturating_add)
}

/// Rounds each coordinate of factor·x. It goes up if its fraction exceeds the next `u32` of `bytes`
/// divided by 2³², and down otherwise.
#[inline(always)]
fn round_with(x: &[f32], factor: f64, bytes: &[u8], values: &mut [i32]) -> u64 {
    let mut square = 0_u64;
    for ((&x, bytes), value) in x.iter().zip(bytes.chunks_exact(4)).zip(values) {
        let word = u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let exact = f64::from(x) * factor;
        let below = exact.floor();
        let up = (exact - below) * (1_u64 << 32) as f64 > f64::from(word);
        *value = (below + f64::from(u8::from(up))) as i32;
        square = square.saturating_add(u64::from(value.unsigned_abs()).pow(2));
    }
    square
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::RoundRequest;

    /// A round with weights from 1 to `weight_max`.
    fn weighted(dimension: u64, norm_bound: u64, clip: f64, weight_max: u32) -> RoundConstants {
        let request = RoundRequest {
            dimension,
            max_contributions: 4,
            norm_bound,
            clip,
            weight_min: 1,
            weight_max,
            max_total_weight: 4 * u64::from(weight_max),
        };
        RoundConstants::derive(&request).unwrap()
    }

    fn constants(dimension: u64, norm_bound: u64, clip: f64) -> RoundConstants {
        weighted(dimension, norm_bound, clip, 3)
    }

    fn norm(values: &[i32]) -> f64 {
        values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
    }

    fn update(dimension: usize, amplitude: f32) -> Vec<f32> {
        (0..dimension).map(|k| amplitude * ((k * 7919 % 1000) as f32 / 500.0 - 1.0)).collect()
    }

    #[test]
    fn small_updates_are_scaled_and_padded() {
        let constants = constants(3000, 1 << 18, 10.0);
        let update = update(3000, 0.01);
        let quantised = quantise(&update, 3, &constants, [1; 32].into()).unwrap();
        assert_eq!(quantised.clip_ratio(), 1.0);
        assert_eq!(quantised.values().len(), 4096);
        assert!(quantised.values()[3000..].iter().all(|&v| v == 0));
        for (&x, &value) in update.iter().zip(quantised.values()) {
            assert!((f64::from(x) * 3.0 * constants.scale - f64::from(value)).abs() < 1.0);
        }
    }

    /// Whatever the weight, an update is clipped to C. What it may have grows with the weight.
    #[test]
    fn large_updates_are_clipped_before_they_are_weighted() {
        for (norm_bound, amplitude) in [(1 << 14, 1.0), (1 << 20, 1e30), ((1 << 31) - 1, f32::MAX)] {
            let constants = constants(5000, norm_bound, 1.0);
            let update = update(5000, amplitude);
            let expected = 1.0 / update.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            for weight in 1..=3 {
                let quantised = quantise(&update, weight, &constants, [2; 32].into()).unwrap();
                let (length, bound) = (norm(quantised.values()), constants.norm_bound_of(weight) as f64);
                assert!(length <= bound && length > 0.97 * bound, "{length} of {bound}");
                assert!((quantised.clip_ratio() / expected - 1.0).abs() < 1e-9);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// An update of length C has the largest norm that an honest one has. No rounding of it
        /// exceeds its bound, for any weight. Otherwise light contributions would be shrunk without
        /// a reason.
        #[test]
        fn nobody_honest_is_clipped_or_halved(
            ratio in prop_oneof![Just(30), Just(64), Just(160), 1..=200_u32],
            dimension in prop_oneof![1..=4096_u64, 1..=100_000_u64],
            clip_log10 in -6.0..6.0_f64,
            room_log2 in prop_oneof![Just(0.0), 0.0..6.0_f64],
            dense: bool,
            at in 0.0..=1.0_f64,
            seed: [u8; 32],
        ) {
            let clip = 10_f64.powf(clip_log10);
            let padded = dimension.next_multiple_of(RING_DEGREE as u64) as f64;
            let least = 1024.max(4 * padded.sqrt().ceil() as u64) * u64::from(ratio);
            let norm_bound = (least as f64 * room_log2.exp2()) as u64;
            let constants = weighted(dimension, norm_bound, clip, ratio);
            let length = clip * (1.0 - 1e-6);
            let update = match dense {
                true => of_length(length, dimension as usize),
                false => {
                    let mut update = vec![0.0; dimension as usize];
                    update[(at * (dimension - 1) as f64) as usize] = length as f32;
                    update
                }
            };
            for weight in [1, 1 + (f64::from(ratio - 1) * at) as u32, ratio] {
                let quantised = quantise(&update, weight, &constants, seed.into()).unwrap();
                prop_assert_eq!(quantised.clip_ratio(), 1.0);
                prop_assert!(norm(quantised.values()) <= constants.norm_bound_of(weight) as f64);
            }
        }
    }

    /// A dense update of this length.
    fn of_length(length: f64, dimension: usize) -> Vec<f32> {
        let shape = update(dimension, 1.0);
        let norm = shape.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        shape.iter().map(|&x| (f64::from(x) * length / norm) as f32).collect()
    }

    #[test]
    fn rounding_is_unbiased() {
        let constants = constants(200_000, 1 << 20, 1e3);
        let x = (10.3 / constants.scale) as f32;
        let quantised = quantise(&vec![x; 200_000], 1, &constants, [3; 32].into()).unwrap();
        assert!(quantised.values()[..200_000].iter().all(|v| [10, 11].contains(v)));
        let mean = quantised.values().iter().map(|&v| f64::from(v)).sum::<f64>() / 200_000.0;
        assert!(
            (mean - f64::from(x) * constants.scale).abs() < 5.0 * (0.21_f64 / 200_000.0).sqrt(),
            "{mean}"
        );
    }

    #[test]
    fn the_seed_determines_the_rounding() {
        let (constants, update) = (constants(4096, 1 << 14, 1.0), update(4096, 1.0));
        let values = |seed| quantise(&update, 1, &constants, [seed; 32].into()).unwrap().values().to_vec();
        assert_eq!(values(4), values(4));
        assert_ne!(values(4), values(5));
    }

    #[test]
    fn an_update_that_no_rounding_fits_is_shrunk() {
        // The scale is changed to one that is larger than the derived one.
        let mut constants = constants(1_064_960, 3 * 4128, 1.0);
        constants.scale = 1.5 * 4128.0;
        let x = (1.0 / 1_064_960_f64.sqrt()) as f32;
        let quantised = quantise(&vec![x; 1_064_960], 1, &constants, [6; 32].into()).unwrap();
        assert!(norm(quantised.values()) <= 4128.0);
        assert!(quantised.clip_ratio() < 0.6);
    }

    #[test]
    fn bad_updates_are_refused_by_name() {
        let constants = constants(100, 1 << 18, 1.0);
        let refused =
            |update: &[f32], weight| quantise(update, weight, &constants, [0; 32].into()).unwrap_err();
        assert_eq!(refused(&[0.0; 99], 1), QuantiseError::Length { length: 99, dimension: 100 });
        for weight in [0, 4] {
            assert_eq!(refused(&[0.0; 100], weight), QuantiseError::Weight { weight, min: 1, max: 3 });
        }
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut update = [0.5; 100];
            update[42] = bad;
            assert_eq!(refused(&update, 1), QuantiseError::NotFinite { coordinate: 42 });
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let quantised = quantise(&[0.25; 100], 1, &constants(100, 1 << 18, 1.0), [0; 32].into()).unwrap();
        assert_eq!(format!("{quantised:?}"), "Quantised(redacted)");
    }
}
