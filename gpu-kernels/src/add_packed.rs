//! [`Backend::add_packed`](lattice::Backend::add_packed).

use std::ops::Range;

use lattice::{RING_DEGREE, Width};

use crate::backend::Shapes;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue};
use crate::pipeline::{Batched, Footprint, Lane};
use crate::transform::words;

/// Sums of whole blocks, and at most [`GROUP`](Self::GROUP) ciphertexts of as many packed words.
pub(crate) struct PackedSum<'a> {
    sums: &'a mut [u64],
    width: Width,
    ciphertexts: &'a [&'a [u8]],
    shapes: Shapes,
    refused: u32,
}

impl<'a> PackedSum<'a> {
    /// Ciphertexts that one launch adds.
    pub(crate) const GROUP: usize = 32;

    pub(crate) fn new(
        sums: &'a mut [u64],
        width: Width,
        ciphertexts: &'a [&'a [u8]],
        shapes: Shapes,
    ) -> Self {
        Self { sums, width, ciphertexts, shapes, refused: u32::MAX }
    }

    /// Sums go there and back, the ciphertexts there.
    pub(crate) fn footprint(&self) -> Footprint {
        let packed = self.ciphertexts.len() * self.width.bytes(RING_DEGREE);
        Footprint { block: 2 * RING_DEGREE * 8 + packed, batch: 16 }
    }

    /// Position of the first ciphertext with a word that is not canonical.
    pub(crate) fn refused(&self) -> Option<usize> {
        (self.refused != u32::MAX).then_some(self.refused as usize)
    }
}

impl<Q: Queue> Batched<Q> for PackedSum<'_> {
    type Pending = ([Q::Buffer; 3], [Download; 2]);

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let range = words(&blocks);
        let bytes = self.width.bytes(range.start)..self.width.bytes(range.end);
        let runs: Vec<&[u8]> = self.ciphertexts.iter().map(|ciphertext| &ciphertext[bytes.clone()]).collect();
        let sums = lane.queue.upload(&[bytemuck::cast_slice(&self.sums[range.clone()])])?;
        let packed = lane.queue.upload(&runs)?;
        let refused = lane.queue.upload(&[&[0xff; 8]])?;
        let arguments = [
            Argument::Buffer(&sums),
            Argument::U64(range.len() as u64),
            Argument::Buffer(&packed),
            Argument::U64(bytes.len() as u64 / 8),
            Argument::U32(runs.len() as u32),
            Argument::U32(self.width.bits()),
            Argument::Buffer(&refused),
        ];
        // SAFETY: (u64* sums, u64 length, const u64* packed, u64 stride, u32 ciphertexts, u32 width, u32* refused): sums
        // holds `length` words, packed `ciphertexts` runs of `stride` words with `length` packed words each, a whole
        // number of u64 as the length is a multiple of 64; refused is one word.
        unsafe { lane.queue.launch(Kernel::AddPacked, self.shapes.words(range.len()), &arguments)? };
        let downloads = [lane.queue.download(&sums)?, lane.queue.download(&refused)?];
        Ok(([sums, packed, refused], downloads))
    }

    fn finish(
        &mut self,
        lane: &mut Lane<Q>,
        blocks: Range<usize>,
        (_buffers, [sums, refused]): Self::Pending,
    ) -> Result<(), DeviceError> {
        self.sums[words(&blocks)].copy_from_slice(lane.queue.downloaded(&sums));
        self.refused = self.refused.min(lane.queue.downloaded(&refused)[0] as u32);
        Ok(())
    }
}
