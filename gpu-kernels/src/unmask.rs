//! [`SummingBackend::unmask`](lattice::SummingBackend::unmask).

use std::ops::Range;

use lattice::{RING_DEGREE, Unmasking};

use crate::device::{DeviceError, Download, Queue};
use crate::kernels;
use crate::operation::{Footprint, Lane, Operation, words};
use crate::shapes::Shapes;

/// Unmasks the whole blocks of `accumulator` into as many `sums`, with a scale from 1 to 62.
pub(crate) struct Unmask<'a> {
    job: &'a Unmasking<'a>,
    accumulator: &'a [u64],
    sums: &'a mut [i64],
    largest_residual: u64,
}

impl<'a> Unmask<'a> {
    pub(crate) fn new(job: &'a Unmasking<'a>, accumulator: &'a [u64], sums: &'a mut [i64]) -> Self {
        Self { job, accumulator, sums, largest_residual: 0 }
    }

    pub(crate) fn largest_residual(&self) -> u64 {
        self.largest_residual
    }
}

impl<Q: Queue> Operation<Q> for Unmask<'_> {
    type Pending = ([Q::Buffer; 3], [Download; 2]);

    /// Words go to the device and sums come back. Once a batch the key goes there and a residual
    /// comes back.
    fn footprint(&self, _shapes: &Shapes) -> Footprint {
        Footprint { block: 2 * RING_DEGREE * 8, batch: RING_DEGREE * 8 + 8 }
    }

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let key = lane.queue.upload(&[bytemuck::cast_slice(self.job.key_sum.values())])?;
        let sums = lane.queue.upload(&[bytemuck::cast_slice(&self.accumulator[words(&blocks)])])?;
        let residual = lane.queue.zeroed(1)?;
        let arguments = kernels::Unmask {
            stream: self.job.masks.stream_key().into(),
            first: self.job.first + blocks.start as u64,
            key: &key,
            words: &sums,
            count: blocks.len() as u64,
            tau: self.job.width.transport_bits(),
            delta: self.job.scale_log2,
            largest_residual: &residual,
            inverse_twiddles: &lane.inverse_twiddles,
        };
        // SAFETY: `key` holds N words, `sums` holds `count` blocks, `residual` is one word. A
        // width's `tau` is 1 to 32, and `delta` is 1 to 62.
        unsafe { lane.queue.launch(&arguments.launch(lane.shapes.teams(blocks.len())))? };
        let downloads = [lane.queue.download(&sums)?, lane.queue.download(&residual)?];
        Ok(([key, sums, residual], downloads))
    }

    fn finish(&mut self, queue: &Q, blocks: Range<usize>, (_buffers, [sums, residual]): Self::Pending) {
        let sums: &[i64] = bytemuck::cast_slice(queue.downloaded(&sums));
        self.sums[words(&blocks)].copy_from_slice(sums);
        self.largest_residual = self.largest_residual.max(queue.downloaded(&residual)[0]);
    }
}
