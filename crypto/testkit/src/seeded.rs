//! Reproducible values for tests, never for anything secret.

use lattice::{
    MODULUS, SmallPoly,
    expand::{PublicStream, Purpose},
    sample,
};

/// The first `count` words of the stream of `seed`.
pub fn words(seed: u64, count: usize) -> Vec<u64> {
    let mut words = vec![0; count];
    PublicStream::new(&key(seed), 0, Purpose::MASK_POLYNOMIAL).fill(&mut words);
    words
}

/// `count` elements of F_q. A few of them are at the ends of the range.
pub fn elements(seed: u64, count: usize) -> Vec<u64> {
    let edges = [0, 1, MODULUS / 2, MODULUS / 2 + 1, MODULUS - 1];
    let element = |word: u64| match edges.get((word >> 32 & 0xff) as usize) {
        Some(&edge) => edge,
        None => word % MODULUS,
    };
    words(seed, count).into_iter().map(element).collect()
}

/// `count` integers with |·| at most `bound`.
pub fn integers(seed: u64, count: usize, bound: i32) -> Vec<i32> {
    let range = 2 * bound.unsigned_abs() as u64 + 1;
    words(seed, count).into_iter().map(|word| ((word % range) as i64 - i64::from(bound)) as i32).collect()
}

/// A share of a mask key.
pub fn key_share(seed: u64) -> SmallPoly {
    sample::key_share(&key(seed))
}

/// A key or a seed of 32 bytes, in the type that the caller needs.
pub fn key<K: From<[u8; 32]>>(seed: u64) -> K {
    let mut key = *b"test seed ......................";
    key[24..].copy_from_slice(&seed.to_le_bytes());
    key.into()
}
