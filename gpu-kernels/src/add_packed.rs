//! [`SummingBackend::add_packed`](lattice::SummingBackend::add_packed).

use std::ops::Range;

use lattice::{RING_DEGREE, Width};

use crate::device::{DeviceError, Download, Queue};
use crate::kernels;
use crate::operation::{Footprint, Lane, Operation, words};
use crate::shapes::Shapes;

/// Adds at most [`GROUP`](Self::GROUP) packed bodies to whole blocks of sums. Each body packs one
/// word for each sum.
pub(crate) struct AddPacked<'a> {
    sums: &'a mut [u64],
    width: Width,
    bodies: &'a [&'a [u8]],
    refused: u32,
}

impl<'a> AddPacked<'a> {
    /// The most bodies that one launch adds.
    pub(crate) const GROUP: usize = 32;

    pub(crate) fn new(sums: &'a mut [u64], width: Width, bodies: &'a [&'a [u8]]) -> Self {
        Self { sums, width, bodies, refused: u32::MAX }
    }

    /// The position of the first body with a word that is not canonical.
    pub(crate) fn refused(&self) -> Option<usize> {
        (self.refused != u32::MAX).then_some(self.refused as usize)
    }
}

impl<Q: Queue> Operation<Q> for AddPacked<'_> {
    type Pending = ([Q::Buffer; 3], [Download; 2]);

    /// Sums go to the device and back. Bodies only go there.
    fn footprint(&self, _shapes: &Shapes) -> Footprint {
        let packed = self.bodies.len() * self.width.bytes(RING_DEGREE);
        Footprint { block: 2 * RING_DEGREE * 8 + packed, batch: 16 }
    }

    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError> {
        let range = words(&blocks);
        let bytes = self.width.bytes(range.start)..self.width.bytes(range.end);
        let runs: Vec<&[u8]> = self.bodies.iter().map(|body| &body[bytes.clone()]).collect();
        let sums = lane.queue.upload(&[bytemuck::cast_slice(&self.sums[range.clone()])])?;
        let packed = lane.queue.upload(&runs)?;
        let refused = lane.queue.upload(&[&[0xff; 8]])?;
        let arguments = kernels::AddPacked {
            sums: &sums,
            length: range.len() as u64,
            packed: &packed,
            stride: bytes.len() as u64 / 8,
            bodies: runs.len() as u32,
            width: self.width.bits(),
            refused: &refused,
        };
        // SAFETY: `sums` holds `length` words, `packed` holds `bodies` runs of `stride` words
        // with `length` packed words each. `length` is a multiple of 64, so a run is a whole number
        // of words. `refused` is one word.
        unsafe { lane.queue.launch(&arguments.launch(lane.shapes.words(range.len())))? };
        let downloads = [lane.queue.download(&sums)?, lane.queue.download(&refused)?];
        Ok(([sums, packed, refused], downloads))
    }

    fn finish(&mut self, queue: &Q, blocks: Range<usize>, (_buffers, [sums, refused]): Self::Pending) {
        self.sums[words(&blocks)].copy_from_slice(queue.downloaded(&sums));
        self.refused = self.refused.min(queue.downloaded(&refused)[0] as u32);
    }
}
