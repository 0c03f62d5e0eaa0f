//! [`TransformBackend::inner_product`](lattice::TransformBackend::inner_product).

use std::ops::Range;

use lattice::{Fq, RING_DEGREE};

use crate::device::{DeviceError, Download, Queue};
use crate::kernels;
use crate::operation::{Footprint, Lane, Operation, words};
use crate::shapes::Shapes;

/// The inner product of two vectors with the same number of whole blocks.
pub(crate) struct InnerProduct<'a> {
    lhs: &'a [u64],
    rhs: &'a [u64],
    sum: Fq,
}

impl<'a> InnerProduct<'a> {
    pub(crate) fn new(lhs: &'a [u64], rhs: &'a [u64]) -> Self {
        Self { lhs, rhs, sum: Fq::ZERO }
    }

    pub(crate) fn sum(&self) -> Fq {
        self.sum
    }
}

impl<Q: Queue> Operation<Q> for InnerProduct<'_> {
    type Pending = ([Q::Buffer; 3], Download);

    /// Both sides go to the device. A word for each block of threads comes back.
    fn footprint(&self, shapes: &Shapes) -> Footprint {
        let partial = shapes.summing_words(self.lhs.len().min(1 << 31)).grid as usize * 8;
        Footprint { block: 2 * RING_DEGREE * 8, batch: partial }
    }

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let range = words(&blocks);
        let shape = lane.shapes.summing_words(range.len());
        let lhs = lane.queue.upload(&[bytemuck::cast_slice(&self.lhs[range.clone()])])?;
        let rhs = lane.queue.upload(&[bytemuck::cast_slice(&self.rhs[range.clone()])])?;
        let partial_sums = lane.queue.allocate(shape.grid as usize)?;
        let arguments = kernels::InnerProduct {
            lhs: &lhs,
            rhs: &rhs,
            length: range.len() as u64,
            partial_sums: &partial_sums,
        };
        // SAFETY: `lhs` and `rhs` hold `length` words, `partial_sums` one for each block of
        // threads.
        unsafe { lane.queue.launch(&arguments.launch(shape))? };
        let download = lane.queue.download(&partial_sums)?;
        Ok(([lhs, rhs, partial_sums], download))
    }

    fn finish(&mut self, queue: &Q, _blocks: Range<usize>, (_buffers, download): Self::Pending) {
        self.sum += queue.downloaded(&download).iter().map(|&sum| Fq::new(sum)).sum();
    }
}
