//! Federated averaging without masks, for comparison with the secure sums.

use super::{digits::Sample, network::Network, training_plan};

/// Adds quantised updates, coordinate by coordinate.
pub(super) fn integer_sum<'a>(updates: impl IntoIterator<Item = &'a [i32]>, length: usize) -> Vec<i64> {
    let mut sum = vec![0; length];
    for update in updates {
        sum.iter_mut().zip(update).for_each(|(sum, &value)| *sum += i64::from(value));
    }
    sum
}

/// The same federation in floating point, without masks. Clients, weights and seeds are the same.
/// Updates are neither clipped nor rounded to integers.
pub(super) struct FloatFederation {
    pub(super) network: Network,
}

impl FloatFederation {
    /// Runs one round with these clients.
    pub(super) fn advance(&mut self, shares: &[Vec<Sample>], clients: &[usize], seed: u32, round: u16) {
        let mut mean = vec![0.0; self.network.parameters().len()];
        let total: u32 = clients.iter().map(|&client| training_plan::weight(shares[client].len())).sum();
        for &client in clients {
            let mut rng = training_plan::randomness(seed, round, client);
            let trained = self.network.trained(&shares[client], training_plan::TRAINING, &mut rng);
            let weight = f64::from(training_plan::weight(shares[client].len())) / f64::from(total);
            let update = trained.update_since(&self.network);
            mean.iter_mut().zip(update).for_each(|(mean, x)| *mean += weight * f64::from(x));
        }
        self.network.add(&mean.into_iter().map(|x| x as f32).collect::<Vec<_>>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_add_coordinate_by_coordinate() {
        let updates: [&[i32]; 3] = [&[1, i32::MAX], &[-5, i32::MAX], &[2, i32::MAX]];
        assert_eq!(integer_sum(updates, 3), [-2, 3 * i64::from(i32::MAX), 0]);
    }
}
