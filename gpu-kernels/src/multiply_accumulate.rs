//! [`Backend::multiply_accumulate`](lattice::Backend::multiply_accumulate).

use std::ops::Range;

use lattice::RING_DEGREE;

use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};
use crate::transform::words;

/// `sums` and `lhs` are whole blocks of one length, `rhs` is one block.
pub(crate) struct Products<'a> {
    pub(crate) sums: &'a mut [u64],
    pub(crate) lhs: &'a [u64],
    pub(crate) rhs: &'a [u64],
    pub(crate) shapes: Shapes,
}

impl Products<'_> {
    /// Sums go there and back, the left-hand side there; the right-hand side once a batch.
    pub(crate) const FOOTPRINT: Footprint = Footprint { block: 3 * RING_DEGREE * 8, batch: RING_DEGREE * 8 };
}

impl<Q: Queue> Batched<Q> for Products<'_> {
    type Pending = ([Q::Buffer; 3], Download);

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let range = words(&blocks);
        let sums = lane.queue.upload(&[bytemuck::cast_slice(&self.sums[range.clone()])])?;
        let lhs = lane.queue.upload(&[bytemuck::cast_slice(&self.lhs[range.clone()])])?;
        let rhs = lane.queue.upload(&[bytemuck::cast_slice(self.rhs)])?;
        let arguments = [
            Argument::Buffer(&sums),
            Argument::Buffer(&lhs),
            Argument::Buffer(&rhs),
            Argument::U64(range.len() as u64),
        ];
        // SAFETY: (u64* sums, const u64* lhs, const u64* rhs, u64 length): sums and lhs hold `length` words, rhs N.
        unsafe {
            lane.queue.launch(Kernel::MultiplyAccumulate, self.shapes.words(range.len()), &arguments)?;
        }
        let download = lane.queue.download(&sums)?;
        Ok(([sums, lhs, rhs], download))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        blocks: Range<usize>,
        (_buffers, download): Self::Pending,
    ) -> Result<(), DeviceError> {
        self.sums[words(&blocks)].copy_from_slice(lane.queue.downloaded(&download));
        Ok(())
    }
}
