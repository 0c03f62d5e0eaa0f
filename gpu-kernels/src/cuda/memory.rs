//! The memory of a queue on the card.

use std::fmt;
use std::sync::Arc;

use cudarc::driver::{CudaContext, result, sys};

use super::error::failed;
use crate::device::DeviceError;

/// Buffers of an arena start at multiples of this many bytes.
const ALIGNMENT: usize = 256;

/// The origin of a queue's buffers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Allocation {
    /// All buffers come from one allocation, made with the queue.
    Arena,
    /// Each buffer has an allocation of its own.
    Separate,
}

/// A run of the card's memory. After [`Queue::clear`](crate::device::Queue::clear) it is reused or
/// freed.
#[derive(Debug)]
pub struct CudaBuffer {
    address: sys::CUdeviceptr,
    bytes: usize,
}

impl CudaBuffer {
    pub(super) fn address(&self) -> sys::CUdeviceptr {
        self.address
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Another handle of the same memory.
    fn alias(&self) -> Self {
        Self { address: self.address, bytes: self.bytes }
    }
}

/// The memory that a queue's buffers occupy until they are cleared. Pinned buffers keep theirs.
pub(super) struct DeviceMemory {
    context: Arc<CudaContext>,
    taken: Taken,
}

enum Taken {
    /// Bytes of the allocation from its start.
    Arena { all: CudaBuffer, used: usize, pinned: usize },
    /// Allocations.
    Separate { buffers: Vec<CudaBuffer>, pinned: usize },
}

impl DeviceMemory {
    /// An arena of `bytes` bytes. Separate buffers may use as much as the card has.
    pub(super) fn new(
        context: &Arc<CudaContext>,
        allocation: Allocation,
        bytes: usize,
    ) -> Result<Self, DeviceError> {
        let taken = match allocation {
            Allocation::Arena => Taken::Arena { all: allocate(bytes)?, used: 0, pinned: 0 },
            Allocation::Separate => Taken::Separate { buffers: Vec::new(), pinned: 0 },
        };
        Ok(Self { context: Arc::clone(context), taken })
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<CudaBuffer, DeviceError> {
        match &mut self.taken {
            Taken::Arena { all, used, .. } => {
                let start = used.next_multiple_of(ALIGNMENT);
                let available = all.bytes.saturating_sub(start);
                if bytes > available {
                    return Err(DeviceError::Memory { needed: bytes, available });
                }
                *used = start + bytes;
                Ok(CudaBuffer { address: all.address + start as u64, bytes })
            }
            Taken::Separate { buffers, .. } => {
                let buffer = allocate(bytes)?;
                buffers.push(buffer.alias());
                Ok(buffer)
            }
        }
    }

    pub(super) fn clear(&mut self) {
        match &mut self.taken {
            Taken::Arena { used, pinned, .. } => *used = *pinned,
            Taken::Separate { buffers, pinned } => buffers.drain(*pinned..).for_each(free),
        }
    }

    pub(super) fn pin(&mut self) {
        match &mut self.taken {
            Taken::Arena { used, pinned, .. } => *pinned = *used,
            Taken::Separate { buffers, pinned } => *pinned = buffers.len(),
        }
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        // This fails only if the card has failed, and then there is nothing left to free.
        let _bound = self.context.bind_to_thread();
        match &mut self.taken {
            Taken::Arena { all, .. } => free(all.alias()),
            Taken::Separate { buffers, .. } => buffers.drain(..).for_each(free),
        }
    }
}

impl fmt::Debug for DeviceMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match &self.taken {
            Taken::Arena { all, .. } => all.bytes,
            Taken::Separate { buffers, .. } => buffers.iter().map(CudaBuffer::bytes).sum(),
        };
        f.debug_struct("DeviceMemory").field("bytes", &bytes).finish_non_exhaustive()
    }
}

fn allocate(bytes: usize) -> Result<CudaBuffer, DeviceError> {
    // SAFETY: no word is read before it has been written, and `free` is called once.
    let address = unsafe { result::malloc_sync(bytes) }.map_err(failed("taking the card's memory"))?;
    Ok(CudaBuffer { address, bytes })
}

fn free(buffer: CudaBuffer) {
    // SAFETY: the address came from `allocate`. The memory's list no longer has it, so it is freed
    // once.
    let _freed = unsafe { result::free_sync(buffer.address) };
}
