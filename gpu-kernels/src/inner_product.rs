//! [`Backend::inner_product`](lattice::Backend::inner_product).

use std::ops::Range;

use lattice::{Fq, RING_DEGREE};

use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};
use crate::transform::words;

/// `lhs` and `rhs` are whole blocks of one length.
pub(crate) struct InnerProduct<'a> {
    lhs: &'a [u64],
    rhs: &'a [u64],
    shapes: Shapes,
    pub(crate) sum: Fq,
}

impl<'a> InnerProduct<'a> {
    pub(crate) fn new(lhs: &'a [u64], rhs: &'a [u64], shapes: Shapes) -> Self {
        Self { lhs, rhs, shapes, sum: Fq::ZERO }
    }

    /// Both sides go there, a word for each block of threads comes back.
    pub(crate) fn footprint(&self) -> Footprint {
        let partial = self.shapes.summing_words(self.lhs.len().min(1 << 31)).grid as usize * 8;
        Footprint { block: 2 * RING_DEGREE * 8, batch: partial }
    }
}

impl<Q: Queue> Batched<Q> for InnerProduct<'_> {
    type Pending = ([Q::Buffer; 3], Download);

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let range = words(&blocks);
        let shape = self.shapes.summing_words(range.len());
        let lhs = lane.queue.upload(&[bytemuck::cast_slice(&self.lhs[range.clone()])])?;
        let rhs = lane.queue.upload(&[bytemuck::cast_slice(&self.rhs[range.clone()])])?;
        let partial_sums = lane.queue.room(shape.grid as usize)?;
        let arguments = [
            Argument::Buffer(&lhs),
            Argument::Buffer(&rhs),
            Argument::U64(range.len() as u64),
            Argument::Buffer(&partial_sums),
        ];
        // SAFETY: (const u64* lhs, const u64* rhs, u64 length, u64* partial_sums): lhs and rhs hold `length` words,
        // partial_sums one for each block of threads, and blocks have whole warps.
        unsafe { lane.queue.launch(Kernel::InnerProduct, shape, &arguments)? };
        let download = lane.queue.download(&partial_sums)?;
        Ok(([lhs, rhs, partial_sums], download))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        _blocks: Range<usize>,
        (_buffers, download): Self::Pending,
    ) -> Result<(), DeviceError> {
        self.sum += lane.queue.downloaded(&download).iter().map(|&sum| Fq::new(sum)).sum();
        Ok(())
    }
}
