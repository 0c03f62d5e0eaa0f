//! Deals the training data to the clients, unevenly and by label.

use rand::{rngs::StdRng, seq::SliceRandom};

use super::digits::Sample;

/// Shards for each client. With two, a client sees only two or three digits.
const SHARDS: usize = 2;
/// The smallest shard, in samples.
const SMALLEST: usize = 8;

/// Sorts the samples by label and cuts them into two shards for each client. Deals the shards at
/// random. Every sample goes to exactly one client. McMahan et al. 2017, §3, do the same with
/// shards of equal size. Here the shards differ in size.
pub(crate) fn by_label(samples: &[Sample], clients: usize, rng: &mut StdRng) -> Vec<Vec<Sample>> {
    let mut sorted = samples.to_vec();
    sorted.shuffle(rng);
    sorted.sort_by_key(|sample| sample.label);
    let mut shards = cut(&sorted, clients * SHARDS, rng);
    shards.shuffle(rng);
    shards.chunks(SHARDS).map(<[_]>::concat).collect()
}

/// Cuts at random positions that are at least [`SMALLEST`] apart. If there are too few samples for
/// that, cuts evenly.
fn cut<'a>(sorted: &'a [Sample], shards: usize, rng: &mut StdRng) -> Vec<&'a [Sample]> {
    let smallest = SMALLEST.min(sorted.len() / shards);
    let spare = sorted.len() - shards * smallest;
    let mut cuts: Vec<usize> = (0..shards - 1).map(|_| rand::Rng::gen_range(rng, 0..=spare)).collect();
    cuts.sort_unstable();
    let ends = cuts.into_iter().chain([spare]).enumerate().map(|(index, cut)| cut + (index + 1) * smallest);
    let mut start = 0;
    ends.map(|end| &sorted[std::mem::replace(&mut start, end)..end]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;

    use super::*;
    use crate::commands::demo::digits::Digits;

    #[test]
    fn every_sample_has_one_owner_and_owners_see_few_digits() {
        let train = Digits::load().train;
        for clients in [20, 24, 200] {
            let shares = by_label(&train, clients, &mut StdRng::seed_from_u64(7));
            assert_eq!(shares.len(), clients);
            assert_eq!(shares.iter().map(Vec::len).sum::<usize>(), train.len());
            let digits =
                |share: &Vec<Sample>| share.iter().map(|sample| sample.label).collect::<HashSet<_>>().len();
            let seen: Vec<usize> = shares.iter().map(digits).collect();
            assert!(seen.iter().sum::<usize>() <= 4 * clients, "{seen:?}");
        }
    }

    #[test]
    fn same_seed_same_split() {
        let train = Digits::load().train;
        let sizes = |seed| -> Vec<usize> {
            by_label(&train, 24, &mut StdRng::seed_from_u64(seed)).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(1), sizes(1));
        assert_ne!(sizes(1), sizes(2));
    }
}
