//! The plan that all clients of the demo share before the first round.

use rand::{SeedableRng, rngs::StdRng};

use super::network::Training;

/// How a client trains in one round.
pub(super) const TRAINING: Training = Training { epochs: 5, batch: 5, rate: 0.2 };
/// ‖weight · update‖₂ to which an update is clipped: above what training reaches, so that nothing
/// is lost.
pub(super) const CLIP: f64 = 100.0;
/// The largest weight.
pub(super) const WEIGHT_MAX: u32 = 20;
/// Samples for each unit of weight.
const SAMPLES_PER_WEIGHT: usize = 10;

/// The weight of a client with so many samples.
pub(super) fn weight(samples: usize) -> u32 {
    let weight = (samples as f64 / SAMPLES_PER_WEIGHT as f64).round() as u32;
    weight.clamp(1, WEIGHT_MAX)
}

/// The randomness of a client's training in a round.
pub(super) fn randomness(seed: u32, round: u16, client: usize) -> StdRng {
    StdRng::seed_from_u64(u64::from(seed) << 32 | u64::from(round) << 16 | client as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_grow_with_the_samples_within_their_range() {
        assert_eq!([0, 4, 16, 24, 65, 150, 5000].map(weight), [1, 1, 2, 2, 7, 15, 20]);
    }
}
