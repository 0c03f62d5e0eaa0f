//! Splits an operation into batches that fit in a queue's memory, and keeps two queues busy. While
//! one copies, the other computes.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::device::{Device, DeviceError, Queue};
use crate::operation::{Footprint, Lane, Operation};
use crate::options::Options;
use crate::shapes::Shapes;

/// From this number of blocks on, a second queue saves time.
const WORTH_A_QUEUE: usize = 64;

/// The queues of a device, lent to one operation at a time.
pub(crate) struct Lanes<D: Device> {
    free: Mutex<Vec<Lane<D::Queue>>>,
    returned: Condvar,
    shapes: Shapes,
    queue_bytes: usize,
    batch_blocks: usize,
}

impl<D: Device> fmt::Debug for Lanes<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("queue_bytes", &self.queue_bytes).finish_non_exhaustive()
    }
}

impl<D: Device> Lanes<D> {
    pub(crate) fn new(device: &D, options: &Options) -> Result<Self, DeviceError> {
        let shapes = Shapes::new(options);
        let lane = |_| Lane::new(device.queue()?, shapes);
        let lanes: Result<Vec<_>, _> = (0..options.queues).map(lane).collect();
        Ok(Self {
            free: Mutex::new(lanes?),
            returned: Condvar::new(),
            shapes,
            queue_bytes: options.queue_bytes,
            batch_blocks: options.batch_blocks,
        })
    }

    /// Does `operation` on `blocks` blocks, batch by batch.
    ///
    /// # Errors
    /// When a batch fails. The batches before it are finished.
    pub(crate) fn run<O: Operation<D::Queue>>(
        &self,
        operation: &mut O,
        blocks: usize,
    ) -> Result<(), DeviceError> {
        let most = self.batch_size(operation.footprint(&self.shapes))?;
        let mut lanes = self.borrow(blocks.div_ceil(most.min(WORTH_A_QUEUE)));
        let count = lanes.len();
        let batch = most.min(blocks.div_ceil(count).max(WORTH_A_QUEUE));
        let mut pending: Vec<Option<(Range<usize>, O::Pending)>> = (0..count).map(|_| None).collect();
        let batches = blocks.div_ceil(batch);
        for k in 0..batches + count {
            let (lane, slot) = (&mut lanes[k % count], &mut pending[k % count]);
            if let Some((range, started)) = slot.take() {
                lane.queue.wait()?;
                operation.finish(&lane.queue, range, started);
                lane.queue.clear();
            }
            if k < batches {
                let range = k * batch..blocks.min((k + 1) * batch);
                *slot = Some((range.clone(), operation.start(lane, range)?));
            }
        }
        Ok(())
    }

    fn batch_size(&self, footprint: Footprint) -> Result<usize, DeviceError> {
        let room = self.queue_bytes.saturating_sub(footprint.batch) / footprint.block;
        if room == 0 {
            let needed = footprint.batch + footprint.block;
            return Err(DeviceError::Memory { needed, available: self.queue_bytes });
        }
        Ok(room.min(self.batch_blocks))
    }

    /// Waits for a lane. Takes a second one if one is free and `useful` is more than one.
    fn borrow(&self, useful: usize) -> Borrowed<'_, D> {
        let mut free = self.lock();
        while free.is_empty() {
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        let start = free.len().saturating_sub(useful.clamp(1, 2));
        Borrowed { lanes: free.split_off(start), home: self }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Lane<D::Queue>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lanes that return to `home` when they are dropped. Nothing is queued on them then.
struct Borrowed<'a, D: Device> {
    lanes: Vec<Lane<D::Queue>>,
    home: &'a Lanes<D>,
}

impl<D: Device> Deref for Borrowed<'_, D> {
    type Target = [Lane<D::Queue>];
    fn deref(&self) -> &Self::Target {
        &self.lanes
    }
}

impl<D: Device> DerefMut for Borrowed<'_, D> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.lanes
    }
}

impl<D: Device> Drop for Borrowed<'_, D> {
    fn drop(&mut self) {
        for lane in &mut self.lanes {
            // After a failed batch something may still be queued. Its outcome no longer matters.
            let _ended = lane.queue.wait();
            lane.queue.clear();
        }
        self.home.lock().append(&mut self.lanes);
        self.home.returned.notify_all();
    }
}
