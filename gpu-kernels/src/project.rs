//! [`Backend::project`](lattice::Backend::project).

use std::ops::Range;

use lattice::{ProjectionRows, RING_DEGREE};
use zeroize::Zeroize;

use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};
use crate::transform::words;

const ROWS: usize = ProjectionRows::COUNT;

/// Runs of columns of a block that are expanded together.
const TILES: usize = RING_DEGREE / ROWS;

/// `values` are whole blocks. They and the sums are secret: their copies are overwritten.
pub(crate) struct Projection<'a> {
    rows: &'a ProjectionRows,
    first: u64,
    values: &'a [i64],
    shapes: Shapes,
    sums: [u64; ROWS],
}

impl<'a> Projection<'a> {
    pub(crate) fn new(rows: &'a ProjectionRows, first: u64, values: &'a [i64], shapes: Shapes) -> Self {
        Self { rows, first, values, shapes, sums: [0; ROWS] }
    }

    /// Values go there; 256 sums for each block of threads come back.
    pub(crate) fn footprint(&self) -> Footprint {
        let partial = self.shapes.rows(self.values.len() / ROWS).grid as usize;
        Footprint { block: RING_DEGREE * 8, batch: partial * ROWS * 8 }
    }

    pub(crate) fn add_to(&self, sums: &mut [i64; ROWS]) {
        sums.iter_mut().zip(&self.sums).for_each(|(sum, &term)| *sum = sum.wrapping_add(term as i64));
    }
}

impl Drop for Projection<'_> {
    fn drop(&mut self) {
        self.sums.zeroize();
    }
}

impl<Q: Queue> Batched<Q> for Projection<'_> {
    type Pending = ([Q::Buffer; 2], Download);

    const SECRET: bool = true;

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let shape = self.shapes.rows(blocks.len() * TILES);
        let values = lane.queue.upload(&[bytemuck::cast_slice(&self.values[words(&blocks)])])?;
        let partial_sums = lane.queue.room(shape.grid as usize * ROWS)?;
        let arguments = [
            Argument::stream_key(self.rows.stream_key()),
            Argument::U64(self.first + blocks.start as u64),
            Argument::Buffer(&values),
            Argument::U64(blocks.len() as u64),
            Argument::Buffer(&partial_sums),
        ];
        // SAFETY: (StreamKey stream, u64 first, const u64* values, u64 count, u64* partial_sums): values holds count blocks,
        // partial_sums 256 words for each block of threads, which has 256 threads.
        unsafe { lane.queue.launch(Kernel::Project, shape, &arguments)? };
        let download = lane.queue.download(&partial_sums)?;
        Ok(([values, partial_sums], download))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        _blocks: Range<usize>,
        (_buffers, download): Self::Pending,
    ) -> Result<(), DeviceError> {
        for partial in lane.queue.downloaded(&download).as_chunks::<ROWS>().0 {
            self.sums.iter_mut().zip(partial).for_each(|(sum, &term)| *sum = sum.wrapping_add(term));
        }
        Ok(())
    }
}
