//! A stream of the card with its memory: buffers on the card, and an arena of page-locked words on
//! the host.

use std::fmt;
use std::ptr;
use std::slice;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaStream, result};

use super::error::failed;
use super::memory::{Allocation, CudaBuffer, DeviceMemory};
use super::module::Functions;
use crate::arguments::Values;
use crate::device::{DeviceError, Download, Queue};
use crate::kernels::Launch;

/// Bytes in addition to those that batches need. They are for pinned buffers and for the alignment
/// of buffers.
const SPARE_BYTES: usize = 64 << 10;

/// A stream and its memory.
pub struct CudaQueue {
    context: Arc<CudaContext>,
    functions: Arc<Functions>,
    stream: Arc<CudaStream>,
    device: DeviceMemory,
    host: HostArena,
}

/// Page-locked memory of whole words.
struct HostArena {
    words: *mut u64,
    length: usize,
    used: usize,
}

// SAFETY: the pointer is the only one to its memory, and any thread may use page-locked memory.
unsafe impl Send for HostArena {}

impl CudaQueue {
    pub(super) fn new(
        context: &Arc<CudaContext>,
        functions: &Arc<Functions>,
        queue_bytes: usize,
        allocation: Allocation,
    ) -> Result<Self, DeviceError> {
        context.bind_to_thread().map_err(failed("choosing the card"))?;
        let stream = context.new_stream().map_err(failed("making a stream"))?;
        let bytes = queue_bytes + SPARE_BYTES;
        let device = DeviceMemory::new(context, allocation, bytes)?;
        // SAFETY: it is written below, and the arena's drop frees it once. Without flags it is fast
        // to read.
        let words = unsafe { result::malloc_host(bytes, 0) }.map_err(failed("taking page-locked memory"))?;
        let words = words.cast::<u64>();
        // SAFETY: `words` points to `bytes` bytes, aligned to a page.
        unsafe { ptr::write_bytes(words.cast::<u8>(), 0, bytes) };
        let host = HostArena { words, length: bytes / 8, used: 0 };
        Ok(Self { context: Arc::clone(context), functions: Arc::clone(functions), stream, device, host })
    }

    fn bind(&self) -> Result<(), DeviceError> {
        self.context.bind_to_thread().map_err(failed("choosing the card"))
    }

    /// Queues the overwriting of a buffer with zeros.
    fn overwrite(&self, buffer: &CudaBuffer) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: the buffer has that many bytes.
        unsafe { result::memset_d8_async(buffer.address(), 0, buffer.bytes(), self.stream.cu_stream()) }
            .map_err(failed("overwriting the card's memory"))
    }
}

impl Queue for CudaQueue {
    type Buffer = CudaBuffer;

    fn upload(&mut self, parts: &[&[u8]]) -> Result<CudaBuffer, DeviceError> {
        self.bind()?;
        let bytes = parts.iter().map(|part| part.len()).sum();
        let buffer = self.device.take(bytes)?;
        let (_, staged) = self.host.take(bytes.div_ceil(8))?;
        let staged = &mut bytemuck::cast_slice_mut::<u64, u8>(staged)[..bytes];
        let mut rest = &mut *staged;
        for part in parts {
            let (target, after) = rest.split_at_mut(part.len());
            target.copy_from_slice(part);
            rest = after;
        }
        // SAFETY: the buffer has `bytes` bytes. The staged words do not change until `clear`, which
        // comes after `wait`.
        unsafe { result::memcpy_htod_async(buffer.address(), staged, self.stream.cu_stream()) }
            .map_err(failed("copying to the card"))?;
        Ok(buffer)
    }

    fn allocate(&mut self, words: usize) -> Result<CudaBuffer, DeviceError> {
        self.device.take(words * 8)
    }

    fn zeroed(&mut self, words: usize) -> Result<CudaBuffer, DeviceError> {
        let buffer = self.allocate(words)?;
        self.overwrite(&buffer)?;
        Ok(buffer)
    }

    unsafe fn launch(&mut self, launch: &Launch<'_, CudaBuffer>) -> Result<(), DeviceError> {
        self.bind()?;
        let mut values = Values::new(launch.arguments(), CudaBuffer::address);
        let shape = launch.shape();
        // SAFETY: the function is of a module that `functions` keeps loaded. The driver copies the
        // values, which have the types of the kernel's parameters, before it returns. The caller
        // promises the rest.
        unsafe {
            result::launch_kernel(
                self.functions.of(launch.kernel()),
                (shape.grid, 1, 1),
                (shape.block[0], shape.block[1], 1),
                shape.shared_words * 8,
                self.stream.cu_stream(),
                &mut values.pointers(),
            )
        }
        .map_err(failed(launch.kernel().name()))
    }

    fn download(&mut self, buffer: &CudaBuffer) -> Result<Download, DeviceError> {
        self.bind()?;
        let (start, staged) = self.host.take(buffer.bytes() / 8)?;
        let words = staged.len();
        // SAFETY: `staged` has as many bytes as the buffer, and nothing reads it before `wait` has
        // returned.
        unsafe { result::memcpy_dtoh_async(staged, buffer.address(), self.stream.cu_stream()) }
            .map_err(failed("copying from the card"))?;
        Ok(Download { start, words })
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        self.bind()?;
        // SAFETY: the stream lives as long as `self`.
        unsafe { result::stream::synchronize(self.stream.cu_stream()) }
            .map_err(failed("waiting for the card"))
    }

    fn downloaded(&self, download: &Download) -> &[u64] {
        &self.host.words()[download.start..][..download.words]
    }

    fn clear(&mut self) {
        self.host.used = 0;
        self.device.clear();
    }

    fn pin(&mut self) {
        self.device.pin();
    }
}

impl Drop for CudaQueue {
    fn drop(&mut self) {
        // Queued work may use the memory. The wait fails only if the card has failed, and then
        // nothing runs.
        let _ended = self.wait();
    }
}

impl fmt::Debug for CudaQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CudaQueue").field("device", &self.device).finish_non_exhaustive()
    }
}

impl HostArena {
    /// The next `words` words and their position.
    fn take(&mut self, words: usize) -> Result<(usize, &mut [u64]), DeviceError> {
        let start = self.used;
        let available = self.length - start;
        if words > available {
            return Err(DeviceError::Memory { needed: words * 8, available: available * 8 });
        }
        self.used += words;
        // SAFETY: within the `length` words, all initialised at the start, and no other borrow of
        // them is alive.
        Ok((start, unsafe { slice::from_raw_parts_mut(self.words.add(start), words) }))
    }

    fn words(&self) -> &[u64] {
        // SAFETY: `length` words, all initialised at the start. The card writes no word after
        // `wait`.
        unsafe { slice::from_raw_parts(self.words, self.length) }
    }
}

impl Drop for HostArena {
    fn drop(&mut self) {
        // SAFETY: `words` came from malloc_host, and only this frees it.
        let _freed = unsafe { result::free_host(self.words.cast()) };
    }
}
