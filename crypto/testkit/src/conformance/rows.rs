//! The rows of a projection, computed from their definition, bit by bit.

use lattice::expand::{PublicStream, Purpose};
use lattice::{ProjectionRows, RING_DEGREE};

use super::inputs::{BLOCKS, FIRST};
use crate::seeded;

/// Words of the stream that belong to one coordinate.
pub(super) const COLUMN_WORDS: usize = 8;

/// The projection rows that the checks use.
pub(super) fn rows() -> ProjectionRows {
    ProjectionRows::new(seeded::key(20))
}

/// The words of the stream of each block from `FIRST`, one column after the other.
pub(super) fn columns() -> Vec<u64> {
    let mut words = vec![0; BLOCKS * RING_DEGREE * COLUMN_WORDS];
    for (index, block) in (FIRST..).zip(words.chunks_mut(RING_DEGREE * COLUMN_WORDS)) {
        PublicStream::new(rows().stream_key(), index, Purpose::PROJECTION).fill(block);
    }
    words
}

/// R_{t, i} for the column of coordinate i.
pub(super) fn entry(column: &[u64], t: usize) -> i64 {
    let bit = |word: usize| (column[word] >> (t % 64) & 1) as i64;
    bit(t / 64) - bit(COLUMN_WORDS / 2 + t / 64)
}
