//! [`FoldingBackend`] on the processor. It computes r = Rᵀ(1, z, …, z²⁵⁵) for two challenges z,
//! block by block.

use std::array;

use pulp::Arch;
use rayon::prelude::*;

use super::CpuBackend;
use super::products::{add_values, inner_product, multiply_add};
use crate::backend::checks::optional_words;
use crate::backend::error::BackendError;
use crate::backend::folding::{FoldingBackend, RowFold, RowFolding};
use crate::block::RING_DEGREE;
use crate::expand::ProjectionRows;
use crate::expand::chacha8_lanes::Planes;
use crate::field::{self, Fq};
use crate::ntt;
use crate::pack;

/// Coordinates whose columns fit in the cache together.
const TILE: usize = 512;

/// Rows that one table covers.
const TABLE_ROWS: usize = 8;

/// Tables that cover the rows of one word of the stream.
const WORD_TABLES: usize = 4;

/// Words of the stream with the positive entries of a column. The same number of words has the
/// negative ones.
const SIGN_WORDS: usize = ProjectionRows::COUNT / 32;

/// The low and the high 32 bits of an element of F_q, for both challenges.
type Halves = [u32; 4];

/// Signed sums of [`Halves`]. 64 terms of each sign do not overflow.
type HalfSums = [i64; 4];

impl FoldingBackend for CpuBackend {
    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError> {
        optional_words(packed, job.width, blocks)?;
        let canonical = fold_rows(self.arch, job, first, blocks, packed, folds);
        if canonical { Ok(()) } else { Err(BackendError::NonCanonical { body: 0 }) }
    }
}

/// Folds the rows when `packed` has the right length. Returns whether every packed word is
/// canonical. If one is not, `folds` stays unchanged.
fn fold_rows(
    arch: Arch,
    job: &RowFolding<'_>,
    first: u64,
    blocks: usize,
    packed: Option<&[u8]>,
    folds: &mut [RowFold; 2],
) -> bool {
    let tables = PowerTables::new(job.challenges);
    let block_bytes = job.width.bytes(RING_DEGREE);
    let add_block = |mut partial: PartialFold, j: usize| {
        let index = first + j as u64;
        partial.fold_columns(arch, job.rows, index, &tables);
        if let Some(packed) = packed {
            partial.add_inner(arch, job, &packed[j * block_bytes..][..block_bytes]);
        }
        partial.add_adjoint(arch, job, index);
        partial
    };
    let partial = (0..blocks).into_par_iter().with_min_len(16).fold(PartialFold::new, add_block);
    let total = partial.map(|partial| partial.total).reduce(Total::new, Total::add);
    if total.canonical {
        for ((fold, inner), adjoint) in folds.iter_mut().zip(total.inner).zip(total.adjoint) {
            fold.inner += inner;
            add_values(fold.adjoint.values_mut(), &adjoint);
        }
    }
    total.canonical
}

/// Tables of the subset sums of the powers of both challenges. Each table covers eight rows. Entry
/// m of table c is Σ z^(8c + i) mod q over the bits i that are set in m.
struct PowerTables(Box<[[Halves; 1 << TABLE_ROWS]]>);

impl PowerTables {
    fn new(challenges: [Fq; 2]) -> Self {
        let subsets = challenges.map(subset_sums);
        let halves = |x: Fq| [x.value() as u32, (x.value() >> 32) as u32];
        let entry = |index: usize| {
            let [a, b] = [halves(subsets[0][index]), halves(subsets[1][index])];
            [a[0], a[1], b[0], b[1]]
        };
        let tables = 0..ProjectionRows::COUNT / TABLE_ROWS;
        Self(tables.map(|table| array::from_fn(|m| entry(table << TABLE_ROWS | m))).collect())
    }
}

/// The tables of one challenge, one after the other.
fn subset_sums(challenge: Fq) -> Vec<Fq> {
    let mut power = Fq::ONE;
    let mut sums = Vec::with_capacity(ProjectionRows::COUNT << TABLE_ROWS >> TABLE_ROWS.ilog2());
    for _ in 0..ProjectionRows::COUNT / TABLE_ROWS {
        let start = sums.len();
        sums.push(Fq::ZERO);
        for _ in 0..TABLE_ROWS {
            let without = start..sums.len();
            sums.extend_from_within(without.clone());
            sums[without.end..].iter_mut().for_each(|sum| *sum += power);
            power *= challenge;
        }
    }
    sums
}

/// The sums over the blocks that were folded.
struct Total {
    inner: [Fq; 2],
    adjoint: [Vec<u64>; 2],
    canonical: bool,
}

impl Total {
    fn new() -> Self {
        Self { inner: [Fq::ZERO; 2], adjoint: array::from_fn(|_| vec![0; RING_DEGREE]), canonical: true }
    }

    fn add(mut self, other: Self) -> Self {
        for z in 0..2 {
            self.inner[z] += other.inner[z];
            add_values(&mut self.adjoint[z], &other.adjoint[z]);
        }
        self.canonical &= other.canonical;
        self
    }
}

/// A total and the working memory for one block.
struct PartialFold {
    total: Total,
    columns: Box<Planes<TILE>>,
    sums: Box<[HalfSums; TILE]>,
    /// r for each challenge.
    folded: [Vec<u64>; 2],
    words: Vec<u64>,
    mask: Vec<u64>,
}

impl PartialFold {
    fn new() -> Self {
        let block = || vec![0; RING_DEGREE];
        Self {
            total: Total::new(),
            columns: Box::new([[0; TILE]; 16]),
            sums: Box::new([[0; 4]; TILE]),
            folded: [block(), block()],
            words: block(),
            mask: block(),
        }
    }

    /// Overwrites `folded` with r of block `index`, in coefficient form.
    fn fold_columns(&mut self, arch: Arch, rows: &ProjectionRows, index: u64, tables: &PowerTables) {
        let stream = rows.columns(index);
        for start in (0..RING_DEGREE).step_by(TILE) {
            stream.fill(arch, start as u32, &mut self.columns);
            let folded = self.folded.each_mut().map(|folded| &mut folded[start..start + TILE]);
            arch.dispatch(
                #[inline(always)]
                || fold_tile(tables, &self.columns, &mut self.sums, folded),
            );
        }
    }

    /// Adds the inner product of each `folded` with the packed words of the block.
    fn add_inner(&mut self, arch: Arch, job: &RowFolding<'_>, packed: &[u8]) {
        self.words.fill(0);
        self.total.canonical &= pack::unpack_add_with(arch, job.width, packed, &mut self.words);
        for (inner, folded) in self.total.inner.iter_mut().zip(&self.folded) {
            *inner += Fq::new(arch.dispatch(
                #[inline(always)]
                || inner_product(folded, &self.words),
            ));
        }
    }

    /// Adds the product of each `folded` with the adjoint of a_`index`. Leaves `folded` in
    /// evaluation form.
    fn add_adjoint(&mut self, arch: Arch, job: &RowFolding<'_>, index: u64) {
        job.masks.expand(index, &mut self.mask);
        // The adjoint inverts the odd powers of ω. Inverting complements k, which reverses the
        // bit-reversed order.
        self.mask.reverse();
        for (adjoint, folded) in self.total.adjoint.iter_mut().zip(&mut self.folded) {
            ntt::forward(folded);
            arch.dispatch(
                #[inline(always)]
                || multiply_add(adjoint, &self.mask, folded),
            );
        }
    }
}

/// Computes `folded[z][i] = Σ_t R_{t,i} z^t` mod q for the tile with these `columns`.
#[inline(always)]
fn fold_tile(
    tables: &PowerTables,
    columns: &Planes<TILE>,
    sums: &mut [HalfSums; TILE],
    folded: [&mut [u64]; 2],
) {
    sums.fill([0; 4]);
    let (positive, negative) = columns.split_at(SIGN_WORDS);
    for ((tables, positive), negative) in
        tables.0.as_chunks::<WORD_TABLES>().0.iter().zip(positive).zip(negative)
    {
        for ((sums, positive), negative) in sums.iter_mut().zip(positive).zip(negative) {
            let selected = positive.to_le_bytes().into_iter().zip(negative.to_le_bytes());
            for (table, (plus, minus)) in tables.iter().zip(selected) {
                let (plus, minus) = (table[usize::from(plus)], table[usize::from(minus)]);
                *sums = array::from_fn(|i| sums[i] + i64::from(plus[i]) - i64::from(minus[i]));
            }
        }
    }
    let [a, b] = folded;
    for ((sums, a), b) in sums.iter().zip(a).zip(b) {
        (*a, *b) = (join(sums[0], sums[1]), join(sums[2], sums[3]));
    }
}

/// `low + 2³²·high` mod q, for magnitudes below 2⁴⁰.
///
/// Write high = 2³²·upper + lower with 0 ≤ lower < 2³². Then 2⁶⁴ ≡ 2³² − 1, and 2³²·lower ≤ q − 1.
#[inline(always)]
fn join(low: i64, high: i64) -> u64 {
    let (upper, lower) = (high >> 32, high as u64 & 0xffff_ffff);
    field::add(lower << 32, field::from_signed((upper << 32) - upper + low))
}
