//! [`Backend::adjoint_accumulate`](lattice::Backend::adjoint_accumulate).

use std::ops::Range;

use lattice::{Evaluation, MaskPolynomials, Poly, RING_DEGREE, field};

use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};
use crate::transform::words;

/// `blocks` are whole blocks.
pub(crate) struct AdjointSum<'a> {
    masks: &'a MaskPolynomials,
    first: u64,
    blocks: &'a [u64],
    shapes: Shapes,
    sum: Vec<u64>,
}

impl<'a> AdjointSum<'a> {
    pub(crate) fn new(masks: &'a MaskPolynomials, first: u64, blocks: &'a [u64], shapes: Shapes) -> Self {
        Self { masks, first, blocks, shapes, sum: vec![0; RING_DEGREE] }
    }

    /// Blocks go there; partial sums stay there, and their sum comes back.
    pub(crate) fn footprint(&self) -> Footprint {
        let partial = self.shapes.summing_teams(self.blocks.len() / RING_DEGREE, 0).grid as usize;
        Footprint { block: RING_DEGREE * 8, batch: (partial + 1) * RING_DEGREE * 8 }
    }

    pub(crate) fn add_to(&self, accumulator: &mut Poly<Evaluation>) {
        add_values(accumulator.values_mut(), &self.sum);
    }
}

/// `sums += terms` mod q.
pub(crate) fn add_values(sums: &mut [u64], terms: &[u64]) {
    sums.iter_mut().zip(terms).for_each(|(sum, &term)| *sum = field::add(*sum, term));
}

/// Queues the addition of the `count` runs of `length` canonical words in `partial_sums`; the sums are the second result.
pub(crate) fn add_partial_sums<Q: Queue>(
    queue: &mut Q,
    shapes: &Shapes,
    partial_sums: &Q::Buffer,
    count: u32,
    length: usize,
) -> Result<(Q::Buffer, Download), DeviceError> {
    let sums = queue.room(length)?;
    let arguments = [
        Argument::Buffer(partial_sums),
        Argument::U64(count.into()),
        Argument::U64(length as u64),
        Argument::Buffer(&sums),
    ];
    // SAFETY: (const u64* partial_sums, u64 count, u64 length, u64* sums): the callers' partial_sums hold count · length
    // words, and sums holds `length`; blocks have whole warps.
    unsafe { queue.launch(Kernel::AddPartialSums, shapes.sums(length), &arguments)? };
    let download = queue.download(&sums)?;
    Ok((sums, download))
}

impl<Q: Queue> Batched<Q> for AdjointSum<'_> {
    type Pending = ([Q::Buffer; 3], Download);

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let shape = self.shapes.summing_teams(blocks.len(), 0);
        let values = lane.queue.upload(&[bytemuck::cast_slice(&self.blocks[words(&blocks)])])?;
        let partial_sums = lane.queue.room(shape.grid as usize * RING_DEGREE)?;
        let arguments = [
            Argument::stream_key(self.masks.stream_key()),
            Argument::U64(self.first + blocks.start as u64),
            Argument::Buffer(&values),
            Argument::U64(blocks.len() as u64),
            Argument::Buffer(&partial_sums),
            Argument::Buffer(&lane.twiddles),
        ];
        // SAFETY: (StreamKey stream, u64 first, const u64* blocks, u64 count, u64* partial_sums, const u64* twiddles): blocks
        // holds count blocks, partial_sums one for each block of threads, the table N words.
        unsafe { lane.queue.launch(Kernel::AdjointAccumulate, shape, &arguments)? };
        let (sums, download) =
            add_partial_sums(&mut lane.queue, &self.shapes, &partial_sums, shape.grid, RING_DEGREE)?;
        Ok(([values, partial_sums, sums], download))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        _blocks: Range<usize>,
        (_buffers, download): Self::Pending,
    ) -> Result<(), DeviceError> {
        add_values(&mut self.sum, lane.queue.downloaded(&download));
        Ok(())
    }
}
