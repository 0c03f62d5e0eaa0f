//! The generators of the witness vector, of the slack and of the range proof.

use std::sync::OnceLock;

use bulletproofs::{BulletproofGens, PedersenGens};
use curve25519_dalek::RistrettoPoint;
use sharing::generators::{self, derive};

use crate::witness::{FLOODING, LENGTH, PROJECTION, QUOTIENTS};

/// The number of limbs of the slack.
pub(crate) const LIMBS: usize = 2;
/// Bits of a limb.
pub(crate) const LIMB_BITS: usize = 64;

/// One generator for each entry of the witness. Those of s are the generators of key shares. The
/// other entries have families of their own.
pub(crate) fn vector() -> &'static [RistrettoPoint] {
    &tables().vector
}

/// U and H of the commitments to single numbers, V = σ U + r H, in the type that the range proof
/// takes.
pub(crate) fn pedersen() -> &'static PedersenGens {
    &tables().pedersen
}

/// The vector generators of the range proof, which the crate `bulletproofs` makes itself.
pub(crate) fn range() -> &'static BulletproofGens {
    &tables().range
}

struct Tables {
    vector: Vec<RistrettoPoint>,
    pedersen: PedersenGens,
    range: BulletproofGens,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    // One thread computes the tables. A rayon thread that waits inside the initialiser could reach
    // it again and wait for itself.
    TABLES.get_or_init(|| {
        let family = |name: &'static [u8], count: usize| (0..count as u32).map(move |k| derive(name, k));
        let vector: Vec<_> = generators::key()
            .iter()
            .copied()
            .chain(family(b"projection", PROJECTION.len()))
            .chain(family(b"smallness", QUOTIENTS.len() + FLOODING.len()))
            .collect();
        assert_eq!(vector.len(), LENGTH, "a generator for each entry");
        Tables {
            vector,
            pedersen: PedersenGens { B: derive(b"slack", 0), B_blinding: generators::blinding() },
            range: BulletproofGens::new(LIMB_BITS, LIMBS),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_generators_are_distinct_also_from_those_that_the_range_proof_shows() {
        let range =
            (0..LIMBS).flat_map(|party| range().share(party).G(LIMB_BITS).copied().collect::<Vec<_>>());
        let default = PedersenGens::default();
        let pedersen = [pedersen().B, pedersen().B_blinding, default.B, default.B_blinding];
        let all: Vec<_> = vector().iter().copied().chain(pedersen).chain(range).collect();
        let distinct: HashSet<_> = all.iter().map(|point| point.compress().to_bytes()).collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all.len(), LENGTH + 4 + LIMBS * LIMB_BITS);
    }
}
