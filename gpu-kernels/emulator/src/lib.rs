//! The text of the kernels, compiled as C++ and run on the processor. Every CUDA thread is a fiber,
//! so that barriers, shared memory and exchanges within warps work as on a card. It serves tests:
//! it is some forty times slower than plain processor code.
//!
//! The emulator shows that a kernel's text computes the right words, under any order of its
//! threads. With the sanitizers (the script `sanitize` beside this crate) it shows that threads do
//! not race and stay within their memory. It does not show how fast a kernel is. It runs blocks one
//! after another, so races between blocks stay hidden.

use std::error::Error;
use std::ffi::{CString, OsString, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gpu_kernels::arguments::{Argument, Values};
use gpu_kernels::device::{Device, DeviceError, Download, Queue};
use gpu_kernels::kernels::{Launch, Shape};
use libloading::Library;

/// A folder in which the emulator has the name of the CUDA driver's library. A process with this
/// folder in `LD_LIBRARY_PATH` finds one card, of capability 9.0.
pub const DRIVER_FOLDER: &str = env!("EMULATED_DRIVER");

/// The order in which the threads of a block run between two barriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// In increasing order.
    Increasing,
    /// In increasing and decreasing order by turns.
    Alternating,
    /// In a random order that changes after every barrier.
    Shuffled {
        /// The seed of the random orders.
        seed: u32,
    },
}

impl Schedule {
    fn code(self) -> u64 {
        match self {
            Self::Increasing => 0,
            Self::Alternating => 1,
            Self::Shuffled { seed } => u64::from(seed) + 2,
        }
    }
}

/// A processor that pretends to be a card.
#[derive(Debug)]
pub struct Emulator {
    schedule: Schedule,
    launches_left: Arc<AtomicU64>,
}

impl Emulator {
    /// An emulator whose threads run in the order of `schedule`.
    pub fn new(schedule: Schedule) -> Self {
        Self { schedule, launches_left: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// An emulator that fails every launch after the first `launches`, like a card that is no
    /// longer connected.
    pub fn failing_after(launches: u64) -> Self {
        Self { launches_left: Arc::new(AtomicU64::new(launches)), ..Self::new(Schedule::Increasing) }
    }
}

impl Device for Emulator {
    type Queue = EmulatedQueue;

    fn name(&self) -> &'static str {
        "emulator"
    }

    fn queue(&self) -> Result<EmulatedQueue, DeviceError> {
        let launches_left = Arc::clone(&self.launches_left);
        Ok(EmulatedQueue { schedule: self.schedule, launches_left, staging: Vec::new() })
    }
}

/// A queue that runs work at once.
#[derive(Debug)]
pub struct EmulatedQueue {
    schedule: Schedule,
    launches_left: Arc<AtomicU64>,
    staging: Vec<u64>,
}

/// Memory that kernels may write. It is an allocation of its own, so that an address sanitizer sees
/// its ends.
#[derive(Debug)]
pub struct Memory {
    words: *mut u64,
    length: usize,
}

// SAFETY: the pointer is the only one to its allocation.
unsafe impl Send for Memory {}

impl Memory {
    fn new(words: Box<[u64]>) -> Self {
        let length = words.len();
        Self { words: Box::into_raw(words).cast(), length }
    }

    fn words(&self) -> &[u64] {
        // SAFETY: `words` came from a boxed slice of `length`. Launches are over when they return,
        // so no kernel runs while the borrow lasts.
        unsafe { std::slice::from_raw_parts(self.words, self.length) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `words` came from a boxed slice of `length`.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(self.words, self.length)) });
    }
}

impl Queue for EmulatedQueue {
    type Buffer = Memory;

    fn upload(&mut self, parts: &[&[u8]]) -> Result<Memory, DeviceError> {
        let bytes = parts.concat();
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        Ok(Memory::new(words.collect()))
    }

    /// Filled with a word that is not canonical, so that a missing result is noticed.
    fn allocate(&mut self, words: usize) -> Result<Memory, DeviceError> {
        Ok(Memory::new(vec![0xc3c3_c3c3_c3c3_c3c3; words].into()))
    }

    fn zeroed(&mut self, words: usize) -> Result<Memory, DeviceError> {
        Ok(Memory::new(vec![0; words].into()))
    }

    unsafe fn launch(&mut self, launch: &Launch<'_, Memory>) -> Result<(), DeviceError> {
        let name = launch.kernel().name();
        let spend = |left: u64| left.checked_sub(1);
        if self.launches_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            return Err(failed(name, EmulatorError::OutOfOrder));
        }
        // SAFETY: the caller's promise. The arguments have the types of the kernel's parameters.
        unsafe { run(name, launch.shape(), self.schedule, launch.arguments()) }
    }

    fn download(&mut self, buffer: &Memory) -> Result<Download, DeviceError> {
        let download = Download { start: self.staging.len(), words: buffer.length };
        self.staging.extend_from_slice(buffer.words());
        Ok(download)
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    fn downloaded(&self, download: &Download) -> &[u64] {
        &self.staging[download.start..][..download.words]
    }

    fn clear(&mut self) {
        self.staging.clear();
    }

    /// Does nothing, because buffers of the emulator live until they are dropped.
    fn pin(&mut self) {}
}

/// Runs the kernel `name` of the loaded library. It may be one that only tests have.
///
/// # Errors
/// When there is no such kernel, or the emulator finds it at fault.
///
/// # Safety
/// `arguments` have the types of the kernel's parameters, in order. The rest is as for
/// [`Queue::launch`].
pub unsafe fn run(
    name: &'static str,
    shape: Shape,
    schedule: Schedule,
    arguments: &[Argument<'_, Memory>],
) -> Result<(), DeviceError> {
    /// One launch at a time: the library runs them all on one set of fibers.
    static RUNNING: Mutex<()> = Mutex::new(());

    let launch = entry().map_err(|error| failed("loading the kernels", error))?;
    let symbol = CString::new(name).map_err(|error| failed(name, error))?;
    let mut values = Values::new(arguments, |memory| memory.words.expose_provenance() as u64);
    let mut reason = [0_u8; 512];
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the signature is that of emulator_launch in emulated/kernels.cpp. Grid and block are
    // three words each, and the length of the reason follows it. The caller promises that the
    // values have the types of the parameters.
    let outcome = unsafe {
        launch(
            symbol.as_ptr(),
            [shape.grid, 1, 1].as_ptr(),
            [shape.block[0], shape.block[1], 1].as_ptr(),
            shape.shared_words as usize * 8,
            values.pointers().as_mut_ptr(),
            schedule.code(),
            reason.as_mut_ptr().cast(),
            reason.len(),
        )
    };
    let end = reason.iter().position(|&byte| byte == 0).unwrap_or(reason.len());
    match outcome {
        0 => Ok(()),
        _ => Err(failed(name, EmulatorError::Kernel(String::from_utf8_lossy(&reason[..end]).into_owned()))),
    }
}

type Entry = unsafe extern "C" fn(
    *const c_char,
    *const c_uint,
    *const c_uint,
    usize,
    *mut *mut c_void,
    c_ulonglong,
    *mut c_char,
    usize,
) -> c_int;

/// `emulator_launch` of the library that `EMULATED_KERNELS` names. Without this variable, the
/// library is the one that was built with this crate.
fn entry() -> Result<Entry, EmulatorError> {
    static ENTRY: OnceLock<Result<Entry, String>> = OnceLock::new();

    let load = || {
        let path = std::env::var_os("EMULATED_KERNELS");
        let path = path.unwrap_or_else(|| OsString::from(env!("EMULATED_KERNELS")));
        // SAFETY: build.rs or the script `sanitize` made the library. Its initialisers only set up
        // C++'s own.
        let library = unsafe { Library::new(path) }.map_err(|error| error.to_string())?;
        // SAFETY: emulated/kernels.cpp defines emulator_launch with this type.
        let entry = unsafe { library.get::<Entry>("emulator_launch") }.map(|entry| *entry);
        // The library is never unloaded, so the entry stays good.
        std::mem::forget(library);
        entry.map_err(|error| error.to_string())
    };
    ENTRY.get_or_init(load).clone().map_err(EmulatorError::Library)
}

/// Why the emulator failed a launch.
#[derive(Debug, thiserror::Error)]
enum EmulatorError {
    /// Threads wait for ever or at different barriers, or there is no such kernel.
    #[error("{0}")]
    Kernel(String),
    /// The library could not be loaded.
    #[error("{0}")]
    Library(String),
    /// The emulator has done all launches that it was told to do.
    #[error("the emulated device has failed, as it was told to")]
    OutOfOrder,
}

fn failed(operation: &'static str, error: impl Error + Send + Sync + 'static) -> DeviceError {
    DeviceError::Call { operation, source: Box::new(error) }
}
