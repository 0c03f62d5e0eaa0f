//! The projection of a secret vector: for each row, the sum of the coordinates with the row's
//! signs.
//!
//! The coordinates of a tile are processed in octets. A table holds the 256 subset sums of an
//! octet. Each row adds the sum that its positive entries select, and subtracts the sum that its
//! negative entries select. The rows are public, so the addresses are public too. The secret values
//! appear only as contents of the tables.

use pulp::Arch;
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::block::RING_DEGREE;
use crate::expand::ProjectionRows;
use crate::expand::chacha8_lanes::Planes;

const ROWS: usize = ProjectionRows::COUNT;

/// Coordinates whose columns fit in the cache together.
const TILE: usize = 256;

/// Octets in a tile. Octet i holds the coordinates i, i + `OCTETS`, i + 2·`OCTETS`, … With this
/// stride vector instructions can gather their bits.
const OCTETS: usize = TILE / 8;

/// [`MaskingBackend::project`](crate::MaskingBackend::project), for a whole number of blocks.
pub(super) fn project(arch: Arch, rows: &ProjectionRows, first: u64, values: &[i64], sums: &mut [i64; ROWS]) {
    let add_block = |mut projection: Box<Projection>, (j, block): (usize, &[i64])| {
        let stream = rows.columns(first + j as u64);
        for (k, tile) in block.as_chunks::<TILE>().0.iter().enumerate() {
            stream.fill(arch, (k * TILE) as u32, &mut projection.columns);
            arch.dispatch(
                #[inline(always)]
                || projection.add_tile(tile),
            );
        }
        projection
    };
    let partial =
        values.par_chunks_exact(RING_DEGREE).enumerate().with_min_len(4).fold(Projection::new, add_block);
    let total = partial.reduce(Projection::new, Projection::merged);
    for (t, sum) in sums.iter_mut().enumerate() {
        *sum = sum.wrapping_add(total.sums[t / 32][t % 8][t % 32 / 8]);
    }
}

/// The sums of the rows and the working memory for one tile. Dropping it overwrites the secrets.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Projection {
    /// Word w holds rows 32w to 32w + 31. It first holds the bits of each coordinate. After the
    /// transposition it holds the selections of each octet.
    #[zeroize(skip)]
    columns: Planes<TILE>,
    /// The sum of row 32w + 8b + j is `sums[w][j][b]`.
    sums: [[[i64; 4]; 8]; 8],
    subsets: [[i64; 256]; 2],
}

impl Projection {
    fn new() -> Box<Self> {
        Box::new(Self { columns: [[0; TILE]; 16], sums: [[[0; 4]; 8]; 8], subsets: [[0; 256]; 2] })
    }

    /// Adds the tile whose columns `self.columns` holds.
    #[inline(always)]
    fn add_tile(&mut self, values: &[i64; TILE]) {
        self.columns.iter_mut().for_each(transpose_octets);
        let (positive, negative) = self.columns.split_at(8);
        for octet in (0..OCTETS).step_by(2) {
            for (i, subsets) in self.subsets.iter_mut().enumerate() {
                tabulate(std::array::from_fn(|bit| values[octet + i + bit * OCTETS]), subsets);
            }
            for ((sums, positive), negative) in self.sums.iter_mut().zip(positive).zip(negative) {
                for (j, sums) in sums.iter_mut().enumerate() {
                    for (i, subsets) in self.subsets.iter().enumerate() {
                        let position = j * OCTETS + octet + i;
                        let selected = positive[position].to_le_bytes().into_iter();
                        let selected = selected.zip(negative[position].to_le_bytes());
                        for (sum, (plus, minus)) in sums.iter_mut().zip(selected) {
                            let term = subsets[usize::from(plus)].wrapping_sub(subsets[usize::from(minus)]);
                            *sum = sum.wrapping_add(term);
                        }
                    }
                }
            }
        }
    }

    /// The row sums of `self` and `other` together.
    fn merged(mut self: Box<Self>, other: Box<Self>) -> Box<Self> {
        let sums = self.sums.iter_mut().flatten().flatten();
        sums.zip(other.sums.iter().flatten().flatten())
            .for_each(|(sum, &term)| *sum = sum.wrapping_add(term));
        self
    }
}

/// Overwrites `subsets[m]` with the sum, modulo 2⁶⁴, of the values at the bits that are set in m.
#[inline(always)]
fn tabulate(values: [i64; 8], subsets: &mut [i64; 256]) {
    subsets[0] = 0;
    for (bit, value) in values.into_iter().enumerate() {
        let (without, with) = subsets.split_at_mut(1 << bit);
        with.iter_mut().zip(without).for_each(|(with, without)| *with = without.wrapping_add(value));
    }
}

/// Transposes the bits of each octet. Bit 8b + j of `plane[bit · OCTETS + octet]` becomes bit 8b +
/// bit of `plane[j · OCTETS + octet]`.
#[inline(always)]
fn transpose_octets(plane: &mut [u32; TILE]) {
    for (distance, mask) in [(4, 0x0f0f_0f0f), (2, 0x3333_3333), (1, 0x5555_5555_u32)] {
        for pair in plane.chunks_exact_mut(2 * distance * OCTETS) {
            let (low, high) = pair.split_at_mut(distance * OCTETS);
            for (low, high) in low.iter_mut().zip(high) {
                let exchanged = (*low >> distance ^ *high) & mask;
                *low ^= exchanged << distance;
                *high ^= exchanged;
            }
        }
    }
}
