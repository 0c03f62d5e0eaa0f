//! [`TransformBackend::inverse`](lattice::TransformBackend::inverse).

use std::ops::Range;

use lattice::RING_DEGREE;

use crate::device::{DeviceError, Download, Queue};
use crate::kernels;
use crate::operation::{Footprint, Lane, Operation, words};
use crate::shapes::Shapes;

/// Transforms whole blocks in place.
pub(crate) struct Inverse<'a> {
    blocks: &'a mut [u64],
}

impl<'a> Inverse<'a> {
    pub(crate) fn new(blocks: &'a mut [u64]) -> Self {
        Self { blocks }
    }
}

impl<Q: Queue> Operation<Q> for Inverse<'_> {
    type Pending = (Q::Buffer, Download);

    /// Blocks go to the device and back.
    fn footprint(&self, _shapes: &Shapes) -> Footprint {
        Footprint { block: 2 * RING_DEGREE * 8, batch: 0 }
    }

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let buffer = lane.queue.upload(&[bytemuck::cast_slice(&self.blocks[words(&blocks)])])?;
        let count = blocks.len() as u64;
        let arguments = kernels::Inverse { blocks: &buffer, count, inverse_twiddles: &lane.inverse_twiddles };
        // SAFETY: `buffer` holds `count` blocks.
        unsafe { lane.queue.launch(&arguments.launch(lane.shapes.teams(blocks.len())))? };
        let download = lane.queue.download(&buffer)?;
        Ok((buffer, download))
    }

    fn finish(&mut self, queue: &Q, blocks: Range<usize>, (_buffer, download): Self::Pending) {
        self.blocks[words(&blocks)].copy_from_slice(queue.downloaded(&download));
    }
}
