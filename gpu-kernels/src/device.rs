//! The interface of everything that runs kernels: a device with queues of work. A card and the
//! emulator implement it.

use std::{error::Error, fmt::Debug};

use crate::kernels::Launch;

/// A kind of processor for which the kernels have been compiled.
pub trait Device: Send + Sync + Debug + 'static {
    /// Its queues of work.
    type Queue: Queue;

    /// A short name for logs. The backend on this device has the same name.
    fn name(&self) -> &'static str;

    /// A new queue. Work in different queues runs at the same time.
    ///
    /// # Errors
    /// When the device cannot make one.
    fn queue(&self) -> Result<Self::Queue, DeviceError>;
}

/// Work that a device does in order. A call may return before its work is done.
pub trait Queue: Send + Debug {
    /// Memory of the device. It is good until the batch is cleared.
    type Buffer: Send + Debug;

    /// New memory that holds the concatenation of `parts`, a whole number of 64-bit words.
    ///
    /// # Errors
    /// When there is no memory left, or the device fails.
    fn upload(&mut self, parts: &[&[u8]]) -> Result<Self::Buffer, DeviceError>;

    /// New memory of `words` 64-bit words with unspecified values.
    ///
    /// # Errors
    /// When there is no memory left.
    fn allocate(&mut self, words: usize) -> Result<Self::Buffer, DeviceError>;

    /// New memory of `words` 64-bit words with value 0.
    ///
    /// # Errors
    /// When there is no memory left, or the device fails.
    fn zeroed(&mut self, words: usize) -> Result<Self::Buffer, DeviceError>;

    /// Queues a kernel.
    ///
    /// # Errors
    /// When it cannot be launched. [`wait`](Self::wait) reports a failure of the kernel itself.
    ///
    /// # Safety
    /// The kernel supports launches of this shape. The buffers are of this queue and were not
    /// cleared. They have the lengths that the kernel's text demands for the other arguments and
    /// the shape. The compiler checks the types of the arguments.
    unsafe fn launch(&mut self, launch: &Launch<'_, Self::Buffer>) -> Result<(), DeviceError>;

    /// Queues the copying of `buffer` to the host. [`downloaded`](Self::downloaded) shows the copy
    /// after [`wait`](Self::wait).
    ///
    /// # Errors
    /// When there is no memory left, or the device fails.
    fn download(&mut self, buffer: &Self::Buffer) -> Result<Download, DeviceError>;

    /// Waits until all queued work is done.
    ///
    /// # Errors
    /// When some of it failed.
    fn wait(&mut self) -> Result<(), DeviceError>;

    /// The copy on the host. It is valid after [`wait`](Self::wait) and before
    /// [`clear`](Self::clear).
    fn downloaded(&self, download: &Download) -> &[u64];

    /// Frees the memory of a batch for the next one. All queued work must be done.
    fn clear(&mut self);

    /// Keeps the buffers of the current batch for as long as the queue lives.
    /// [`clear`](Self::clear) does not free them.
    fn pin(&mut self);
}

/// A copy of device memory on the host.
#[derive(Debug)]
pub struct Download {
    /// Its start among the copies of the batch, in words.
    pub start: usize,
    /// Its length in words.
    pub words: usize,
}

/// Why a device cannot be used, or has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The driver's library is not installed.
    #[error("no driver library is installed")]
    NoDriver,
    /// The driver's library lacks a function that every driver has.
    #[error("the driver library is not usable")]
    UnusableDriver,
    /// There is no device at this position.
    #[error("there is no device {ordinal}")]
    NoDevice {
        /// The position asked for.
        ordinal: usize,
    },
    /// The options cannot be met.
    #[error("{option}: {rule}")]
    Options {
        /// The option at fault.
        option: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A call of the driver failed, or a kernel while it ran.
    #[error("{operation} failed")]
    Call {
        /// The call or the kernel.
        operation: &'static str,
        /// What it reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Not even one block fits in a queue's memory.
    #[error("a block of work needs {needed} bytes of a queue that has {available}")]
    Memory {
        /// Bytes that one block needs, together with those that every batch needs.
        needed: usize,
        /// Bytes that the queue has.
        available: usize,
    },
    /// An operation gave other words than the stored ones.
    #[error("the self-test of {operation} gave wrong words")]
    SelfTest {
        /// The operation.
        operation: &'static str,
    },
}
