//! An NVIDIA card, through its driver.
//!
//! A program with this module needs no CUDA to be built or started. The driver's library is loaded
//! when a card is opened. If it is missing, opening returns an ordinary error.

mod error;
mod memory;
mod module;
mod queue;
mod source;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cudarc::driver::{CudaContext, result, sys};

use self::error::failed;
use self::memory::Allocation;
use self::module::Functions;
pub use self::queue::CudaQueue;
use crate::backend::KernelBackend;
use crate::device::{Device, DeviceError};
use crate::options::Options;
use crate::self_test;

/// A card with the kernels loaded.
#[derive(Debug)]
pub struct Cuda {
    context: Arc<CudaContext>,
    functions: Arc<Functions>,
    queue_bytes: usize,
    allocation: Allocation,
}

impl Cuda {
    /// Opens the card at position `ordinal` for queues of `queue_bytes` bytes of memory.
    ///
    /// # Errors
    /// When there is no driver, no such card, or the kernels cannot be loaded on it.
    pub fn open(ordinal: usize, queue_bytes: usize) -> Result<Self, DeviceError> {
        // SAFETY: this loads the library, whose initialisers are NVIDIA's.
        if !unsafe { sys::is_culib_present() } {
            return Err(DeviceError::NoDriver);
        }
        whole_driver(|| Self::connect(ordinal, queue_bytes))
    }

    fn connect(ordinal: usize, queue_bytes: usize) -> Result<Self, DeviceError> {
        let none = |error: &result::DriverError| error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE;
        let count = match CudaContext::device_count() {
            Err(error) if none(&error) => 0,
            count => count.map_err(failed("counting the cards"))?,
        };
        if usize::try_from(count).is_ok_and(|count| ordinal >= count) {
            return Err(DeviceError::NoDevice { ordinal });
        }
        let context = CudaContext::new(ordinal).map_err(failed("opening the card"))?;
        context.set_blocking_synchronize().map_err(failed("setting how to wait"))?;
        let functions = Arc::new(Functions::load(&context)?);
        Ok(Self { context, functions, queue_bytes, allocation: Allocation::Arena })
    }

    /// The same card, with an allocation for each buffer. NVIDIA's sanitizer then knows where each
    /// buffer ends. It is slow.
    #[must_use]
    pub fn with_separate_buffers(self) -> Self {
        Self { allocation: Allocation::Separate, ..self }
    }

    /// The name of the card, and how its kernels were made.
    pub fn description(&self) -> String {
        let name = self.context.name().unwrap_or_else(|_| "a card without a name".to_owned());
        format!("{name}, kernels from {}", self.functions.origin())
    }
}

impl Device for Cuda {
    type Queue = CudaQueue;

    fn name(&self) -> &'static str {
        "cuda"
    }

    fn queue(&self) -> Result<CudaQueue, DeviceError> {
        CudaQueue::new(&self.context, &self.functions, self.queue_bytes, self.allocation)
    }
}

/// Opens the first card and runs the self-test on it. Returns the backend and the card's
/// description.
///
/// # Errors
/// When there is no card that can be used, or it computes wrong words.
pub fn backend(options: &Options) -> Result<(KernelBackend<Cuda>, String), DeviceError> {
    let card = Cuda::open(0, options.queue_bytes)?;
    whole_driver(|| {
        let backend = KernelBackend::new(&card, options)?;
        self_test::check(&backend)
            .map_err(|error| DeviceError::Call { operation: "the self-test", source: Box::new(error) })?;
        Ok((backend, card.description()))
    })
}

/// Does `work`. If the driver lacks a function, cudarc panics at the first call. This returns an
/// error instead.
fn whole_driver<T>(work: impl FnOnce() -> Result<T, DeviceError>) -> Result<T, DeviceError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(DeviceError::UnusableDriver))
}
