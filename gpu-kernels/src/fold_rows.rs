//! [`FoldingBackend::fold_rows`](lattice::FoldingBackend::fold_rows).

use std::ops::Range;

use lattice::{Fq, ProjectionRows, RING_DEGREE, RowFold, RowFolding};

use crate::add_partial_sums::{add_partial_sums, add_values};
use crate::device::{DeviceError, Download, Queue};
use crate::kernels;
use crate::operation::{Footprint, Lane, Operation};
use crate::shapes::{Shapes, TEAM_WORDS};

/// Rows of one table.
const TABLE_ROWS: usize = 4;

/// Words of the tables of one challenge: TABLE_WORDS in fold_rows/kernel.cu.
const TABLE_WORDS: usize = (ProjectionRows::COUNT / TABLE_ROWS) << TABLE_ROWS;

/// Words of shared memory of a block of threads, without those that the kernel declares itself.
/// They are a team's words, two tables, and two blocks for each challenge.
pub const SHARED_WORDS: u32 = TEAM_WORDS + (2 * TABLE_WORDS + 4 * RING_DEGREE) as u32;

/// Folds rows, and applies them to whole blocks of packed words if there are any.
pub(crate) struct FoldRows<'a> {
    job: &'a RowFolding<'a>,
    first: u64,
    packed: Option<&'a [u8]>,
    tables: Vec<u64>,
    inner: [Fq; 2],
    adjoints: Vec<u64>,
    refused: bool,
}

impl<'a> FoldRows<'a> {
    pub(crate) fn new(job: &'a RowFolding<'a>, first: u64, packed: Option<&'a [u8]>) -> Self {
        let tables = job.challenges.iter().flat_map(|&challenge| subset_sums(challenge)).collect();
        let adjoints = vec![0; 2 * RING_DEGREE];
        Self { job, first, packed, tables, inner: [Fq::ZERO; 2], adjoints, refused: false }
    }

    /// Whether a packed word is not canonical.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    pub(crate) fn add_to(&self, folds: &mut [RowFold; 2]) {
        let adjoints = self.adjoints.chunks(RING_DEGREE);
        for ((fold, &inner), adjoint) in folds.iter_mut().zip(&self.inner).zip(adjoints) {
            fold.inner += inner;
            add_values(fold.adjoint.values_mut(), adjoint);
        }
    }

    /// Bytes of the packed words of a run of blocks.
    fn packed_blocks(&self, blocks: &Range<usize>) -> Option<&'a [u8]> {
        let bytes = self.job.width.bytes(RING_DEGREE);
        self.packed.map(|packed| &packed[blocks.start * bytes..blocks.end * bytes])
    }
}

/// The tables, one for every four rows. A table has the sums of all subsets of their powers. Entry
/// m of table c is Σ z^(4c + i) mod q over the bits i of m.
fn subset_sums(challenge: Fq) -> Vec<u64> {
    let mut power = Fq::ONE;
    let mut sums: Vec<Fq> = Vec::with_capacity(TABLE_WORDS);
    for _ in 0..ProjectionRows::COUNT / TABLE_ROWS {
        let start = sums.len();
        sums.push(Fq::ZERO);
        for _ in 0..TABLE_ROWS {
            let end = sums.len();
            sums.extend_from_within(start..end);
            sums[end..].iter_mut().for_each(|sum| *sum += power);
            power *= challenge;
        }
    }
    sums.into_iter().map(Fq::value).collect()
}

/// The buffers and downloads of a batch.
pub(crate) struct Pending<B> {
    _buffers: [B; 5],
    _packed: Option<B>,
    adjoints: Download,
    inners: Download,
    refused: Download,
}

impl<Q: Queue> Operation<Q> for FoldRows<'_> {
    type Pending = Pending<Q::Buffer>;

    /// Tables and packed words go to the device. Partial sums of adjoints stay there. Their sums,
    /// and partial sums of inner products, come back.
    fn footprint(&self, shapes: &Shapes) -> Footprint {
        let grid = shapes.summing_teams(usize::from(u16::MAX), SHARED_WORDS).grid as usize;
        let partial = grid * (2 * RING_DEGREE + 2) * 8;
        Footprint {
            block: self.job.width.bytes(RING_DEGREE),
            batch: partial + (2 * TABLE_WORDS + 2 * RING_DEGREE + 1) * 8,
        }
    }

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let shape = lane.shapes.summing_teams(blocks.len(), SHARED_WORDS);
        let grid = shape.grid as usize;
        let tables = lane.queue.upload(&[bytemuck::cast_slice(&self.tables)])?;
        let packed = self.packed_blocks(&blocks).map(|packed| lane.queue.upload(&[packed])).transpose()?;
        let partial_adjoints = lane.queue.allocate(grid * 2 * RING_DEGREE)?;
        let partial_inners = lane.queue.allocate(grid * 2)?;
        let refused = lane.queue.upload(&[&[0xff; 8]])?;
        let arguments = kernels::FoldRows {
            rows: self.job.rows.stream_key().into(),
            masks: self.job.masks.stream_key().into(),
            first: self.first + blocks.start as u64,
            count: blocks.len() as u64,
            power_tables: &tables,
            packed: packed.as_ref(),
            width: self.job.width.bits(),
            partial_adjoints: &partial_adjoints,
            partial_inners: &partial_inners,
            refused: &refused,
            twiddles: &lane.twiddles,
        };
        // SAFETY: `tables` hold 2 · TABLE_WORDS, `packed` holds `count` blocks of packed words if
        // it is there. The partial sums have two blocks and two words for each block of threads,
        // and `refused` is one word.
        unsafe { lane.queue.launch(&arguments.launch(shape))? };
        let (sums, adjoints) = add_partial_sums(lane, &partial_adjoints, shape.grid, 2 * RING_DEGREE)?;
        let inners = lane.queue.download(&partial_inners)?;
        let refused_download = lane.queue.download(&refused)?;
        Ok(Pending {
            _buffers: [tables, partial_adjoints, partial_inners, refused, sums],
            _packed: packed,
            adjoints,
            inners,
            refused: refused_download,
        })
    }

    fn finish(&mut self, queue: &Q, _blocks: Range<usize>, pending: Self::Pending) {
        add_values(&mut self.adjoints, queue.downloaded(&pending.adjoints));
        for pair in queue.downloaded(&pending.inners).as_chunks::<2>().0 {
            self.inner.iter_mut().zip(pair).for_each(|(inner, &sum)| *inner += Fq::new(sum));
        }
        self.refused |= queue.downloaded(&pending.refused)[0] as u32 == 0;
    }
}
