//! What runs kernels: a device with queues of work. A card and the emulator are the two kinds.

use std::error::Error;
use std::fmt::Debug;

/// A kind of processor that the kernels have been compiled for.
pub trait Device: Send + Sync + Debug + 'static {
    /// Its queues.
    type Queue: Queue;

    /// A short name for logs: the name of the backend that runs on it.
    fn name(&self) -> &'static str;

    /// A queue of its own. Work in different queues runs at the same time.
    ///
    /// # Errors
    /// When the device has none to give.
    fn queue(&self) -> Result<Self::Queue, DeviceError>;
}

/// Work that a device does in order, some of it after the call that asked for it has returned.
pub trait Queue: Send + Debug {
    /// Memory of the device, good until the batch is cleared.
    type Buffer: Send + Debug;

    /// New memory that holds the concatenation of `parts`, a whole number of 64-bit words.
    ///
    /// # Errors
    /// When there is no memory left, or the device fails.
    fn upload(&mut self, parts: &[&[u8]]) -> Result<Self::Buffer, DeviceError>;

    /// New memory of `words` 64-bit words that hold anything.
    ///
    /// # Errors
    /// When there is no memory left.
    fn room(&mut self, words: usize) -> Result<Self::Buffer, DeviceError>;

    /// New memory of `words` 64-bit words that are 0.
    ///
    /// # Errors
    /// When there is no memory left, or the device fails.
    fn zeroed(&mut self, words: usize) -> Result<Self::Buffer, DeviceError>;

    /// Queues a kernel.
    ///
    /// # Errors
    /// When it cannot be launched. What goes wrong while it runs is reported by [`wait`](Self::wait).
    ///
    /// # Safety
    /// `arguments` have the types of the kernel's parameters, in order; `shape` is one that the kernel is made for; and with
    /// these the kernel stays within its buffers.
    unsafe fn launch(
        &mut self,
        kernel: Kernel,
        shape: Shape,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), DeviceError>;

    /// Queues the copying of `buffer` to memory that [`downloaded`](Self::downloaded) shows after [`wait`](Self::wait).
    ///
    /// # Errors
    /// When there is no memory left, or the device fails.
    fn download(&mut self, buffer: &Self::Buffer) -> Result<Download, DeviceError>;

    /// Waits until all that is queued has been done.
    ///
    /// # Errors
    /// When some of it failed.
    fn wait(&mut self) -> Result<(), DeviceError>;

    /// What was downloaded: to be looked at after [`wait`](Self::wait) and before [`clear`](Self::clear).
    fn downloaded(&self, download: &Download) -> &[u64];

    /// Makes room for the next batch; all that is queued has been done. When `secret`, the buffers of the last one and its copies
    /// are overwritten first.
    fn clear(&mut self, secret: bool);

    /// Keeps the buffers of the current batch for as long as the queue lives: [`clear`](Self::clear) leaves them as they are.
    fn keep(&mut self);
}

/// A copy of device memory on the host.
#[derive(Debug)]
pub struct Download {
    /// Its place among the copies of the batch, in words.
    pub start: usize,
    /// Its length in words.
    pub words: usize,
}

/// A parameter of a kernel.
#[derive(Debug)]
pub enum Argument<'a, B> {
    /// The address of memory of the device.
    Buffer(&'a B),
    /// An address that leads nowhere.
    Null,
    /// `u32`.
    U32(u32),
    /// `u64`.
    U64(u64),
    /// `StreamKey`: the key of a ChaCha stream.
    Key([u32; 8]),
}

impl<B> Argument<'_, B> {
    /// The key of a ChaCha stream.
    pub fn stream_key(key: &[u8; 32]) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(key.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self::Key(words)
    }
}

/// How many threads run a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Blocks of threads, along x.
    pub grid: u32,
    /// Threads of a block, along x and y.
    pub block: [u32; 2],
    /// 64-bit words of shared memory of a block, beside what the kernel declares itself.
    pub shared_words: u32,
}

macro_rules! kernels {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The kernels, named as in the `.cu` files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kernel {
            $($(#[$doc])* $variant,)*
        }

        impl Kernel {
            /// All of them, each once.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name of its function.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

kernels! {
    /// Coefficients to evaluations.
    ForwardBlocks = "forward_blocks",
    /// Evaluations to coefficients.
    InverseBlocks = "inverse_blocks",
    /// Adds products with one polynomial.
    MultiplyAccumulate = "multiply_accumulate",
    /// Adds packed ciphertexts.
    AddPacked = "add_packed",
    /// Inner products.
    InnerProduct = "inner_product",
    /// Mask polynomials times a key.
    MaskProduct = "mask_product",
    /// Takes the masks off a sum.
    Unmask = "unmask",
    /// Adds products with adjoints of mask polynomials.
    AdjointAccumulate = "adjoint_accumulate",
    /// Adds what blocks of threads have summed.
    AddPartialSums = "add_partial_sums",
    /// Sums by the rows of a projection.
    Project = "project",
    /// Folds the rows of a projection.
    FoldRows = "fold_rows",
    /// Copies as fast as it goes.
    ProbeCopy = "probe_copy",
    /// Shifts and combines bits as fast as it goes.
    ProbeAlu = "probe_alu",
    /// Multiplies as fast as it goes.
    ProbeMultiply = "probe_multiply",
    /// Has a race on purpose, for sanitizers to find.
    PlantedRace = "planted_race",
}

/// Why a device cannot be used, or has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The driver's library is not installed.
    #[error("no driver library is installed")]
    NoDriver,
    /// The driver's library lacks what every driver has.
    #[error("the driver library is not usable")]
    UnusableDriver,
    /// There are fewer devices.
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
        /// What was asked of it.
        operation: &'static str,
        /// What it reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Not even one block fits in a queue's memory.
    #[error("a block of work needs {needed} bytes of a queue that has {available}")]
    Memory {
        /// Bytes that one block needs, with what every batch needs.
        needed: usize,
        /// Bytes that the queue has.
        available: usize,
    },
    /// An operation gives words that it must not give.
    #[error("the self-test of {operation} gave wrong words")]
    SelfTest {
        /// The operation.
        operation: &'static str,
    },
}
