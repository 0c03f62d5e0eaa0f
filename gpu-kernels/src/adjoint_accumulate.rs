//! [`TransformBackend::adjoint_accumulate`](lattice::TransformBackend::adjoint_accumulate).

use std::ops::Range;

use lattice::{Evaluation, MaskPolynomials, Poly, RING_DEGREE};

use crate::add_partial_sums::{add_partial_sums, add_values};
use crate::device::{DeviceError, Download, Queue};
use crate::kernels;
use crate::operation::{Footprint, Lane, Operation, words};
use crate::shapes::{Shapes, TEAM_WORDS};

/// Multiplies whole blocks with adjoints of mask polynomials and adds the products up.
pub(crate) struct AdjointAccumulate<'a> {
    masks: &'a MaskPolynomials,
    first: u64,
    blocks: &'a [u64],
    sum: Vec<u64>,
}

impl<'a> AdjointAccumulate<'a> {
    pub(crate) fn new(masks: &'a MaskPolynomials, first: u64, blocks: &'a [u64]) -> Self {
        Self { masks, first, blocks, sum: vec![0; RING_DEGREE] }
    }

    pub(crate) fn add_to(&self, accumulator: &mut Poly<Evaluation>) {
        add_values(accumulator.values_mut(), &self.sum);
    }
}

impl<Q: Queue> Operation<Q> for AdjointAccumulate<'_> {
    type Pending = ([Q::Buffer; 3], Download);

    /// Blocks go to the device. Partial sums stay there, and their sum comes back.
    fn footprint(&self, shapes: &Shapes) -> Footprint {
        let blocks = self.blocks.len() / RING_DEGREE;
        let partial = shapes.summing_teams(blocks, TEAM_WORDS).grid as usize;
        Footprint { block: RING_DEGREE * 8, batch: (partial + 1) * RING_DEGREE * 8 }
    }

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let shape = lane.shapes.summing_teams(blocks.len(), TEAM_WORDS);
        let values = lane.queue.upload(&[bytemuck::cast_slice(&self.blocks[words(&blocks)])])?;
        let partial_sums = lane.queue.allocate(shape.grid as usize * RING_DEGREE)?;
        let arguments = kernels::AdjointAccumulate {
            stream: self.masks.stream_key().into(),
            first: self.first + blocks.start as u64,
            blocks: &values,
            count: blocks.len() as u64,
            partial_sums: &partial_sums,
            twiddles: &lane.twiddles,
        };
        // SAFETY: `values` holds `count` blocks, `partial_sums` one for each block of threads.
        unsafe { lane.queue.launch(&arguments.launch(shape))? };
        let (sums, download) = add_partial_sums(lane, &partial_sums, shape.grid, RING_DEGREE)?;
        Ok(([values, partial_sums, sums], download))
    }

    fn finish(&mut self, queue: &Q, _blocks: Range<usize>, (_buffers, download): Self::Pending) {
        add_values(&mut self.sum, queue.downloaded(&download));
    }
}
