//! The training plan, which all clients of the demo know before the first round.

use rand::{SeedableRng, rngs::StdRng};

use super::network::Training;

/// How a client trains in one round.
pub(super) const TRAINING: Training = Training { epochs: 5, batch: 5, rate: 0.2 };
/// The norm to which an update is clipped. Training stays below it, so clipping loses nothing.
pub(super) const CLIP: f64 = 20.0;
/// The largest weight of a contribution.
pub(super) const WEIGHT_MAX: u32 = 20;
/// Samples for one unit of weight.
const SAMPLES_PER_WEIGHT: usize = 10;

/// The weight of a client with this many samples.
pub(super) fn weight(samples: usize) -> u32 {
    let weight = (samples as f64 / SAMPLES_PER_WEIGHT as f64).round() as u32;
    weight.clamp(1, WEIGHT_MAX)
}

/// The random generator for the training of one client in one round.
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
