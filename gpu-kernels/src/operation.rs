//! The form of every operation: a footprint, a start and a finish.

use std::ops::Range;

use lattice::RING_DEGREE;

use crate::device::{DeviceError, Queue};
use crate::shapes::Shapes;
use crate::tables;

/// An operation on many blocks. It is done in batches of consecutive blocks.
pub(crate) trait Operation<Q: Queue> {
    /// The buffers and downloads that a batch keeps between its start and its end.
    type Pending;

    /// The memory of a batch.
    fn footprint(&self, shapes: &Shapes) -> Footprint;

    /// Queues the batch of the blocks `blocks`.
    fn start(&mut self, lane: &mut Lane<Q>, blocks: Range<usize>) -> Result<Self::Pending, DeviceError>;

    /// Takes the results of a batch from its downloads. All work that [`start`](Self::start) queued
    /// must be done.
    fn finish(&mut self, queue: &Q, blocks: Range<usize>, pending: Self::Pending);
}

/// The bytes that a batch needs on the host, and as many again on the device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    /// For each block.
    pub(crate) block: usize,
    /// For the batch.
    pub(crate) batch: usize,
}

/// A queue, with the tables that kernels on it read and the shapes of its launches.
#[derive(Debug)]
pub(crate) struct Lane<Q: Queue> {
    pub(crate) queue: Q,
    pub(crate) shapes: Shapes,
    pub(crate) twiddles: Q::Buffer,
    pub(crate) inverse_twiddles: Q::Buffer,
}

impl<Q: Queue> Lane<Q> {
    pub(crate) fn new(mut queue: Q, shapes: Shapes) -> Result<Self, DeviceError> {
        let twiddles = queue.upload(&[bytemuck::cast_slice(&tables::twiddles())])?;
        let inverse_twiddles = queue.upload(&[bytemuck::cast_slice(&tables::inverse_twiddles())])?;
        queue.pin();
        queue.wait()?;
        queue.clear();
        Ok(Self { queue, shapes, twiddles, inverse_twiddles })
    }
}

/// The words of a run of blocks.
pub(crate) fn words(blocks: &Range<usize>) -> Range<usize> {
    blocks.start * RING_DEGREE..blocks.end * RING_DEGREE
}
