//! The generators G_0, …, G_{N−1} and H of the commitments, and tables of the subset sums from
//! which a commitment is computed.

use std::sync::OnceLock;

use curve25519_dalek::{RistrettoPoint, traits::Identity};
use lattice::RING_DEGREE;
use names::labels;
use sha2::{Digest, Sha512};

/// Generators that one table of subset sums covers.
pub(crate) const GROUP: usize = 4;

/// The sums Σ_{j ∈ T} G_j for all subsets T of [`GROUP`] consecutive generators. The index of a sum
/// is Σ_{j ∈ T} 2^j.
pub(crate) type SubsetSums = [RistrettoPoint; 1 << GROUP];

/// The generators G_k = `from_uniform_bytes(SHA512(prefix ‖ "key" ‖ u32 k))` (RFC 9496 §4.3.4) for
/// `k` below N. They are computed once.
pub fn key() -> &'static [RistrettoPoint; RING_DEGREE] {
    &tables().key
}

/// The generator H = `from_uniform_bytes(SHA512(prefix ‖ "blinding" ‖ u32 0))`.
pub fn blinding() -> RistrettoPoint {
    tables().blinding
}

/// The sum Σ_k G_k.
pub(crate) fn key_sum() -> RistrettoPoint {
    tables().key_sum
}

/// The tables of subset sums, one for each of the N / [`GROUP`] groups of generators.
pub(crate) fn subset_sums() -> &'static [SubsetSums] {
    &tables().subset_sums
}

struct Tables {
    key: Box<[RistrettoPoint; RING_DEGREE]>,
    blinding: RistrettoPoint,
    key_sum: RistrettoPoint,
    subset_sums: Vec<SubsetSums>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    // One thread computes the tables, which takes 25 ms. With rayon, a thread that waits inside the
    // initialiser could start another task, reach this cell again and wait for itself forever.
    TABLES.get_or_init(|| {
        let key: Vec<_> = (0..RING_DEGREE as u32).map(|k| derive(b"key", k)).collect();
        Tables {
            blinding: derive(b"blinding", 0),
            key_sum: key.iter().sum(),
            subset_sums: key.chunks_exact(GROUP).map(sums_of_subsets).collect(),
            key: key.try_into().expect("there are N generators"),
        }
    })
}

/// Generator `k` of a family: `from_uniform_bytes(SHA512(prefix ‖ family ‖ u32 k))` (RFC 9496
/// §4.3.4). Every generator of the product is made this way.
///
/// Nobody knows a linear relation between generators of different families. This requires that the
/// names of the families differ in length, or that neither is a prefix of the other.
pub fn derive(family: &[u8], k: u32) -> RistrettoPoint {
    let digest = Sha512::new()
        .chain_update(labels::prefix(labels::GENERATOR))
        .chain_update(family)
        .chain_update(k.to_le_bytes())
        .finalize();
    RistrettoPoint::from_uniform_bytes(&digest.into())
}

fn sums_of_subsets(group: &[RistrettoPoint]) -> SubsetSums {
    let mut sums = [RistrettoPoint::identity(); 1 << GROUP];
    for subset in 1..sums.len() {
        let last = subset.ilog2();
        sums[subset] = sums[subset ^ (1 << last)] + group[last as usize];
    }
    sums
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use names::decode_hex;

    use super::*;

    /// An independent program computed these from RFC 9496 and the formulas of
    /// `docs/wire-formats.md` alone.
    #[test]
    fn generators_are_those_of_the_wire_format() {
        let encoding = |generator: &RistrettoPoint| Ok(generator.compress().to_bytes());
        let [first, .., last] = key();
        assert_eq!(
            encoding(first),
            decode_hex("4ef269ce55a0c0bbf784e1b1d046c83e0e706ce5af04b081dd64fb9902534871")
        );
        assert_eq!(
            encoding(last),
            decode_hex("14f11bfd87506b57f7a84b0619e7cf0f269c8e1e04b8adbf36ac2853589f1b63")
        );
        assert_eq!(
            encoding(&blinding()),
            decode_hex("1a2416421a0c21094f3929a3da00c8ee48a0b3585841b37dda7824aa8c124664")
        );
    }

    #[test]
    fn generators_are_distinct() {
        let encodings: HashSet<_> =
            key().iter().chain([&blinding()]).map(|g| g.compress().to_bytes()).collect();
        assert_eq!(encodings.len(), RING_DEGREE + 1);
    }

    #[test]
    fn subset_sums_are_sums_of_their_generators() {
        for (group, sums) in key().chunks_exact(GROUP).zip(subset_sums()).step_by(37) {
            for (subset, sum) in sums.iter().enumerate() {
                let members = group.iter().enumerate().filter(|(j, _)| subset >> j & 1 == 1);
                assert_eq!(*sum, members.map(|(_, g)| g).sum::<RistrettoPoint>());
            }
        }
    }
}
