//! Products of mask polynomials with a key: [`Backend::mask_product`](lattice::Backend::mask_product) and
//! [`Backend::unmask`](lattice::Backend::unmask).

use std::ops::Range;

use lattice::{MaskPolynomials, RING_DEGREE, Unmasking};

use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};
use crate::transform::words;

/// `out` are whole blocks, `key` is one. Key and products are secret: their copies are overwritten.
pub(crate) struct MaskProducts<'a> {
    pub(crate) masks: &'a MaskPolynomials,
    pub(crate) first: u64,
    pub(crate) key: &'a [u64],
    pub(crate) out: &'a mut [u64],
    pub(crate) shapes: Shapes,
}

impl MaskProducts<'_> {
    /// The key goes there once a batch, the products come back.
    pub(crate) const FOOTPRINT: Footprint = Footprint { block: RING_DEGREE * 8, batch: RING_DEGREE * 8 };
}

impl<Q: Queue> Batched<Q> for MaskProducts<'_> {
    type Pending = ([Q::Buffer; 2], Download);

    const SECRET: bool = true;

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let key = lane.queue.upload(&[bytemuck::cast_slice(self.key)])?;
        let out = lane.queue.room(blocks.len() * RING_DEGREE)?;
        let arguments = [
            Argument::stream_key(self.masks.stream_key()),
            Argument::U64(self.first + blocks.start as u64),
            Argument::Buffer(&key),
            Argument::Buffer(&out),
            Argument::U64(blocks.len() as u64),
            Argument::Buffer(&lane.inverse_twiddles),
        ];
        // SAFETY: (StreamKey stream, u64 first, const u64* key, u64* out, u64 count, const u64* inverse_twiddles): key holds
        // N words, out count blocks, the table is the inverse's; teams beyond the blocks write nothing.
        unsafe {
            lane.queue.launch(Kernel::MaskProduct, self.shapes.teams(blocks.len()), &arguments)?;
        }
        let download = lane.queue.download(&out)?;
        Ok(([key, out], download))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        blocks: Range<usize>,
        (_buffers, download): Self::Pending,
    ) -> Result<(), DeviceError> {
        self.out[words(&blocks)].copy_from_slice(lane.queue.downloaded(&download));
        Ok(())
    }
}

/// `accumulator` and `sums` are whole blocks of one length; the scale is within its range.
pub(crate) struct Unmask<'a> {
    pub(crate) job: &'a Unmasking<'a>,
    pub(crate) accumulator: &'a [u64],
    pub(crate) sums: &'a mut [i64],
    pub(crate) largest_residual: u64,
    pub(crate) shapes: Shapes,
}

impl Unmask<'_> {
    /// The key goes there once a batch and the residual comes back; words go there and sums come back.
    pub(crate) const FOOTPRINT: Footprint =
        Footprint { block: 2 * RING_DEGREE * 8, batch: RING_DEGREE * 8 + 8 };
}

impl<Q: Queue> Batched<Q> for Unmask<'_> {
    type Pending = ([Q::Buffer; 3], [Download; 2]);

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let key = lane.queue.upload(&[bytemuck::cast_slice(self.job.key_sum.values())])?;
        let sums = lane.queue.upload(&[bytemuck::cast_slice(&self.accumulator[words(&blocks)])])?;
        let residual = lane.queue.zeroed(1)?;
        let arguments = [
            Argument::stream_key(self.job.masks.stream_key()),
            Argument::U64(self.job.first + blocks.start as u64),
            Argument::Buffer(&key),
            Argument::Buffer(&sums),
            Argument::U64(blocks.len() as u64),
            Argument::U32(self.job.width.transport_bits()),
            Argument::U32(self.job.scale_log2),
            Argument::Buffer(&residual),
            Argument::Buffer(&lane.inverse_twiddles),
        ];
        // SAFETY: (StreamKey stream, u64 first, const u64* key, u64* words, u64 count, u32 tau, u32 delta,
        // u64* largest_residual, const u64* inverse_twiddles): key holds N words, words count blocks, the table is the
        // inverse's, and teams beyond the blocks touch none; a width's tau is 1 to 32 and delta has been checked to be 1 to 62.
        unsafe { lane.queue.launch(Kernel::Unmask, self.shapes.teams(blocks.len()), &arguments)? };
        let downloads = [lane.queue.download(&sums)?, lane.queue.download(&residual)?];
        Ok(([key, sums, residual], downloads))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        blocks: Range<usize>,
        (_buffers, [sums, residual]): Self::Pending,
    ) -> Result<(), DeviceError> {
        let sums: &[i64] = bytemuck::cast_slice(lane.queue.downloaded(&sums));
        self.sums[words(&blocks)].copy_from_slice(sums);
        self.largest_residual = self.largest_residual.max(lane.queue.downloaded(&residual)[0]);
        Ok(())
    }
}
