//! Transforms of many polynomials: [`Backend::forward`](lattice::Backend::forward) and its inverse.

use std::ops::Range;

use lattice::RING_DEGREE;

use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};

/// Which way to transform.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    /// Coefficients to evaluations.
    Forward,
    /// Evaluations to coefficients.
    Inverse,
}

/// `values` are whole blocks, transformed in place.
pub(crate) struct Transform<'a> {
    pub(crate) values: &'a mut [u64],
    pub(crate) direction: Direction,
    pub(crate) shapes: Shapes,
}

impl Transform<'_> {
    /// Blocks go there and back.
    pub(crate) const FOOTPRINT: Footprint = Footprint { block: 2 * RING_DEGREE * 8, batch: 0 };
}

/// The words of a run of blocks.
pub(crate) fn words(blocks: &Range<usize>) -> Range<usize> {
    blocks.start * RING_DEGREE..blocks.end * RING_DEGREE
}

impl<Q: Queue> Batched<Q> for Transform<'_> {
    type Pending = (Q::Buffer, Download);

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let buffer = lane.queue.upload(&[bytemuck::cast_slice(&self.values[words(&blocks)])])?;
        let (kernel, table) = match self.direction {
            Direction::Forward => (Kernel::ForwardBlocks, &lane.twiddles),
            Direction::Inverse => (Kernel::InverseBlocks, &lane.inverse_twiddles),
        };
        let arguments =
            [Argument::Buffer(&buffer), Argument::U64(blocks.len() as u64), Argument::Buffer(table)];
        // SAFETY: (u64* blocks, u64 count, const u64* twiddles): `buffer` holds count blocks and teams beyond them touch
        // nothing of it; the table is that of the direction.
        unsafe { lane.queue.launch(kernel, self.shapes.teams(blocks.len()), &arguments)? };
        let download = lane.queue.download(&buffer)?;
        Ok((buffer, download))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        blocks: Range<usize>,
        (_buffer, download): Self::Pending,
    ) -> Result<(), DeviceError> {
        self.values[words(&blocks)].copy_from_slice(lane.queue.downloaded(&download));
        Ok(())
    }
}
