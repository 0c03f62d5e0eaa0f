//! A stream of the card with its memory: some on the card and an arena of page-locked words on the host.

use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::slice;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaStream, result};
use zeroize::Zeroize;

use super::error::failed;
use super::memory::{Allocation, CudaBuffer, DeviceMemory};
use super::module::Functions;
use crate::device::{Argument, DeviceError, Download, Kernel, Queue, Shape};

/// Room for what is kept, and for the alignment of buffers, beside what batches need.
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

// SAFETY: the pointer is the only one to its memory, which belongs to no thread.
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
        // SAFETY: written below; the arena's drop frees it once. No flags: ordinary memory that is fast to read.
        let words = unsafe { result::malloc_host(bytes, 0) }.map_err(failed("taking page-locked memory"))?;
        let words = words.cast::<u64>();
        // SAFETY: `words` leads to `bytes` bytes, aligned to a page.
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
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
        // SAFETY: the buffer has `bytes` bytes, and what is staged stays as it is until `clear`, which comes after `wait`.
        unsafe { result::memcpy_htod_async(buffer.address(), staged, self.stream.cu_stream()) }
            .map_err(failed("copying to the card"))?;
        Ok(buffer)
    }

    fn room(&mut self, words: usize) -> Result<CudaBuffer, DeviceError> {
        self.device.take(words * 8)
    }

    fn zeroed(&mut self, words: usize) -> Result<CudaBuffer, DeviceError> {
        let buffer = self.room(words)?;
        self.overwrite(&buffer)?;
        Ok(buffer)
    }

    unsafe fn launch(
        &mut self,
        kernel: Kernel,
        shape: Shape,
        arguments: &[Argument<'_, CudaBuffer>],
    ) -> Result<(), DeviceError> {
        self.bind()?;
        let mut values: Vec<Value> = arguments.iter().map(Value::new).collect();
        let mut pointers: Vec<*mut c_void> = values.iter_mut().map(Value::pointer).collect();
        // SAFETY: the function is of a module that `functions` keeps loaded; each pointer leads to a value of the parameter's
        // type, as the caller promises, which the driver copies before it returns.
        unsafe {
            result::launch_kernel(
                self.functions.of(kernel),
                (shape.grid, 1, 1),
                (shape.block[0], shape.block[1], 1),
                shape.shared_words * 8,
                self.stream.cu_stream(),
                &mut pointers,
            )
        }
        .map_err(failed(kernel.name()))
    }

    fn download(&mut self, buffer: &CudaBuffer) -> Result<Download, DeviceError> {
        self.bind()?;
        let (start, staged) = self.host.take(buffer.bytes() / 8)?;
        let words = staged.len();
        // SAFETY: `staged` has as many bytes as the buffer, and nobody looks at it before `wait` has returned.
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

    fn clear(&mut self, secret: bool) {
        if secret {
            let used = self.host.used;
            self.host.words_mut()[..used].zeroize();
            // What fails here fails because the card has, as will whatever is asked of it next.
            for buffer in self.device.batch() {
                let _queued = self.overwrite(&buffer);
            }
            let _ended = self.wait();
        }
        self.host.used = 0;
        self.device.clear();
    }

    fn keep(&mut self) {
        self.device.keep();
    }
}

impl Drop for CudaQueue {
    fn drop(&mut self) {
        // What is still queued may use the memory. When the card has failed there is nothing left to wait for.
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
        // SAFETY: within the `length` words, and no other borrow of them is alive; all were written when they were taken.
        Ok((start, unsafe { slice::from_raw_parts_mut(self.words.add(start), words) }))
    }

    fn words(&self) -> &[u64] {
        // SAFETY: `length` words, written when they were taken; the card writes none after `wait`.
        unsafe { slice::from_raw_parts(self.words, self.length) }
    }

    fn words_mut(&mut self) -> &mut [u64] {
        // SAFETY: as in `words`.
        unsafe { slice::from_raw_parts_mut(self.words, self.length) }
    }
}

impl Drop for HostArena {
    fn drop(&mut self) {
        // SAFETY: `words` came from malloc_host and is freed here only.
        let _freed = unsafe { result::free_host(self.words.cast()) };
    }
}

/// A kernel's parameter at an address of its own.
enum Value {
    U32(u32),
    U64(u64),
    Key([u32; 8]),
}

impl Value {
    fn new(argument: &Argument<'_, CudaBuffer>) -> Self {
        match argument {
            Argument::Buffer(buffer) => Self::U64(buffer.address()),
            Argument::Null => Self::U64(0),
            Argument::U32(value) => Self::U32(*value),
            Argument::U64(value) => Self::U64(*value),
            Argument::Key(words) => Self::Key(*words),
        }
    }

    fn pointer(&mut self) -> *mut c_void {
        match self {
            Self::U32(value) => ptr::from_mut(value).cast(),
            Self::U64(value) => ptr::from_mut(value).cast(),
            Self::Key(words) => words.as_mut_ptr().cast(),
        }
    }
}
