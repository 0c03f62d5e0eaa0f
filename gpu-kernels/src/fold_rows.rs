//! [`Backend::fold_rows`](lattice::Backend::fold_rows).

use std::ops::Range;

use lattice::{Fq, ProjectionRows, RING_DEGREE, RowFold, RowFolding};

use crate::adjoint::{add_partial_sums, add_values};
use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};

/// Rows that one table takes.
const TABLE_ROWS: usize = 4;

/// Words of the tables of one challenge: TABLE_WORDS in fold_rows/kernel.cu.
const TABLE_WORDS: usize = (ProjectionRows::COUNT / TABLE_ROWS) << TABLE_ROWS;

/// Words of shared memory of the kernel beside a team's: two tables, and two blocks for each challenge.
pub(crate) const EXTRA_WORDS: u32 = (2 * TABLE_WORDS + 4 * RING_DEGREE) as u32;

/// `packed`, if it is there, holds whole blocks of the job's width.
pub(crate) struct Folding<'a> {
    job: &'a RowFolding<'a>,
    first: u64,
    packed: Option<&'a [u8]>,
    shapes: Shapes,
    tables: Vec<u64>,
    inner: [Fq; 2],
    adjoints: Vec<u64>,
    refused: bool,
}

impl<'a> Folding<'a> {
    pub(crate) fn new(job: &'a RowFolding<'a>, first: u64, packed: Option<&'a [u8]>, shapes: Shapes) -> Self {
        let tables = job.challenges.iter().flat_map(|&challenge| subset_sums(challenge)).collect();
        let adjoints = vec![0; 2 * RING_DEGREE];
        Self { job, first, packed, shapes, tables, inner: [Fq::ZERO; 2], adjoints, refused: false }
    }

    /// Tables and packed words go there; partial sums of adjoints stay there, their sums and those of the inner products
    /// come back.
    pub(crate) fn footprint(&self) -> Footprint {
        let grid = self.shapes.summing_teams(usize::from(u16::MAX), EXTRA_WORDS).grid as usize;
        let partial = grid * (2 * RING_DEGREE + 2) * 8;
        Footprint {
            block: self.job.width.bytes(RING_DEGREE),
            batch: partial + (2 * TABLE_WORDS + 2 * RING_DEGREE + 1) * 8,
        }
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

/// For each four rows the sums of the subsets of their powers: entry m of table c is Σ z^(4c + i) mod q over the bits i of m.
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

/// What a batch holds until it has been done.
pub(crate) struct Pending<B> {
    _buffers: [B; 5],
    _packed: Option<B>,
    adjoints: Download,
    inners: Download,
    refused: Download,
}

impl<Q: Queue> Batched<Q> for Folding<'_> {
    type Pending = Pending<Q::Buffer>;

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let shape = self.shapes.summing_teams(blocks.len(), EXTRA_WORDS);
        let grid = shape.grid as usize;
        let tables = lane.queue.upload(&[bytemuck::cast_slice(&self.tables)])?;
        let packed = self.packed_blocks(&blocks).map(|packed| lane.queue.upload(&[packed])).transpose()?;
        let partial_adjoints = lane.queue.room(grid * 2 * RING_DEGREE)?;
        let partial_inners = lane.queue.room(grid * 2)?;
        let refused = lane.queue.upload(&[&[0xff; 8]])?;
        let arguments = [
            Argument::stream_key(self.job.rows.stream_key()),
            Argument::stream_key(self.job.masks.stream_key()),
            Argument::U64(self.first + blocks.start as u64),
            Argument::U64(blocks.len() as u64),
            Argument::Buffer(&tables),
            packed.as_ref().map_or(Argument::Null, Argument::Buffer),
            Argument::U32(self.job.width.bits()),
            Argument::Buffer(&partial_adjoints),
            Argument::Buffer(&partial_inners),
            Argument::Buffer(&refused),
            Argument::Buffer(&lane.twiddles),
        ];
        // SAFETY: (StreamKey rows, StreamKey masks, u64 first, u64 count, const u64* power_tables, const u64* packed,
        // u32 width, u64* partial_adjoints, u64* partial_inners, u32* refused, const u64* twiddles): the tables hold
        // 2 · TABLE_WORDS, packed is null or holds count blocks of packed words, the partial sums have two blocks and two
        // words for each block of threads, refused is one word, the table of twiddles N; the shape has the shared memory.
        unsafe { lane.queue.launch(Kernel::FoldRows, shape, &arguments)? };
        let (sums, adjoints) =
            add_partial_sums(&mut lane.queue, &self.shapes, &partial_adjoints, shape.grid, 2 * RING_DEGREE)?;
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

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        _blocks: Range<usize>,
        pending: Self::Pending,
    ) -> Result<(), DeviceError> {
        add_values(&mut self.adjoints, lane.queue.downloaded(&pending.adjoints));
        for pair in lane.queue.downloaded(&pending.inners).as_chunks::<2>().0 {
            self.inner.iter_mut().zip(pair).for_each(|(inner, &sum)| *inner += Fq::new(sum));
        }
        self.refused |= lane.queue.downloaded(&pending.refused)[0] as u32 == 0;
        Ok(())
    }
}
