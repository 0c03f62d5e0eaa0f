//! Kernels on words that are already on the card: what they take without copies.

use std::error::Error;
use std::time::Instant;

use gpu_kernels::backend::{FOLD_WORDS, TEAM_WORDS};
use gpu_kernels::cuda::{Cuda, CudaQueue};
use gpu_kernels::device::{Argument, Device, DeviceError, Kernel, Queue, Shape};

use crate::Scale;

/// N.
const DEGREE: usize = 2048;

/// Words of the longer of the two tables of twiddles.
const TABLE: usize = 2 * DEGREE;

/// Launches before a measurement.
const WARM_UP: usize = 3;

/// The width of packed words.
const WIDTH: usize = 44;

/// Seconds of one launch of each kernel.
#[derive(Debug)]
pub(crate) struct Timings {
    /// Bytes read and written a second by a copy.
    pub(crate) copy_bytes_per_second: f64,
    /// 32-bit shifts and logic a second.
    pub(crate) alu_per_second: f64,
    /// 32-bit multiplications a second.
    pub(crate) multiplies_per_second: f64,
    /// Polynomials transformed a second.
    pub(crate) forward_per_second: f64,
    /// Polynomials transformed back a second.
    pub(crate) inverse_per_second: f64,
    /// Bytes read and written a second by the addition of packed ciphertexts.
    pub(crate) add_packed_bytes_per_second: f64,
    /// Seconds for a chunk of 2²⁰ coordinates.
    pub(crate) unmask_seconds: f64,
    /// Seconds for a chunk of 2²⁰ coordinates: all of a norm proof's verification that grows with d.
    pub(crate) fold_rows_seconds: f64,
    /// Seconds for a chunk of 2²⁰ coordinates.
    pub(crate) project_seconds: f64,
}

/// Measures every kernel on the first card.
///
/// # Errors
/// When the card fails or has less than 3 GiB of memory left.
pub(crate) fn measure(scale: &Scale) -> Result<Timings, Box<dyn Error>> {
    let (batch, copied) = (scale.batch, scale.copied);
    let card = Cuda::open(0, scale.queue_bytes)?;
    let mut bench = Bench { queue: card.queue()?, scale };
    let copy = bench.copy(copied)?;
    let alu = bench.pipe(Kernel::ProbeAlu, 16)?;
    let multiplies = bench.pipe(Kernel::ProbeMultiply, 8)?;
    let forward = bench.transform(Kernel::ForwardBlocks, batch)?;
    let inverse = bench.transform(Kernel::InverseBlocks, batch)?;
    let add_packed = bench.add_packed()?;
    let packed_words = scale.ciphertexts * scale.chunk * DEGREE * WIDTH / 64;
    Ok(Timings {
        copy_bytes_per_second: (16 * copied) as f64 / copy,
        alu_per_second: alu,
        multiplies_per_second: multiplies,
        forward_per_second: batch as f64 / forward,
        inverse_per_second: batch as f64 / inverse,
        add_packed_bytes_per_second: (8 * packed_words + 16 * scale.chunk * DEGREE) as f64 / add_packed,
        unmask_seconds: bench.unmask()?,
        fold_rows_seconds: bench.fold_rows()?,
        project_seconds: bench.project()?,
    })
}

struct Bench<'a> {
    queue: CudaQueue,
    scale: &'a Scale,
}

type Arguments<'a> = [Argument<'a, <CudaQueue as Queue>::Buffer>];

impl Bench<'_> {
    /// Seconds of a launch, over several after some that do not count.
    ///
    /// # Safety
    /// As [`Queue::launch`].
    unsafe fn time(
        &mut self,
        kernel: Kernel,
        shape: Shape,
        arguments: &Arguments<'_>,
    ) -> Result<f64, DeviceError> {
        // SAFETY: the caller's promise.
        unsafe { self.time_all(&[(kernel, shape, arguments)]) }
    }

    /// Seconds of some launches one after another.
    ///
    /// # Safety
    /// As [`Queue::launch`], for each.
    unsafe fn time_all(&mut self, launches: &[(Kernel, Shape, &Arguments<'_>)]) -> Result<f64, DeviceError> {
        let once = |queue: &mut CudaQueue| {
            launches.iter().try_for_each(|&(kernel, shape, arguments)| {
                // SAFETY: the caller's promise.
                unsafe { queue.launch(kernel, shape, arguments) }
            })
        };
        for _ in 0..WARM_UP {
            once(&mut self.queue)?;
        }
        self.queue.wait()?;
        let start = Instant::now();
        for _ in 0..self.scale.launches {
            once(&mut self.queue)?;
        }
        self.queue.wait()?;
        let seconds = start.elapsed().as_secs_f64() / self.scale.launches as f64;
        self.queue.clear(false);
        Ok(seconds)
    }

    fn copy(&mut self, words: usize) -> Result<f64, DeviceError> {
        let (to, from) = (self.queue.zeroed(words)?, self.queue.zeroed(words)?);
        let arguments = [Argument::Buffer(&to), Argument::Buffer(&from), Argument::U64(words as u64)];
        let shape = Shape { grid: words.div_ceil(256).min(4224) as u32, block: [256, 1], shared_words: 0 };
        // SAFETY: (u64* to, const u64* from, u64 length), both of `length` words.
        unsafe { self.time(Kernel::ProbeCopy, shape, &arguments) }
    }

    /// Operations a second of a pipe.
    fn pipe(&mut self, kernel: Kernel, operations: u32) -> Result<f64, DeviceError> {
        let shape = Shape { grid: self.scale.probe_blocks, block: [256, 1], shared_words: 0 };
        let threads = shape.grid * shape.block[0];
        let out = self.queue.zeroed(threads as usize)?;
        let arguments =
            [Argument::Buffer(&out), Argument::U32(self.scale.rounds), Argument::U32(0x9e37_79b9)];
        // SAFETY: (u64* out, u32 rounds, u32 operand), out with a word for each thread.
        let seconds = unsafe { self.time(kernel, shape, &arguments)? };
        Ok(f64::from(threads) * f64::from(self.scale.rounds * operations) / seconds)
    }

    fn transform(&mut self, kernel: Kernel, blocks: usize) -> Result<f64, DeviceError> {
        let values = self.queue.zeroed(blocks * DEGREE)?;
        let table = self.queue.zeroed(TABLE)?;
        let arguments = [Argument::Buffer(&values), Argument::U64(blocks as u64), Argument::Buffer(&table)];
        let shape = Shape { grid: blocks as u32, block: [256, 1], shared_words: TEAM_WORDS };
        // SAFETY: (u64* blocks, u64 count, const u64* twiddles): count blocks and a table.
        unsafe { self.time(kernel, shape, &arguments) }
    }

    fn add_packed(&mut self) -> Result<f64, DeviceError> {
        let (length, stride) = (self.scale.chunk * DEGREE, self.scale.chunk * DEGREE * WIDTH / 64);
        let sums = self.queue.zeroed(length)?;
        let packed = self.queue.zeroed(self.scale.ciphertexts * stride)?;
        let refused = self.queue.zeroed(1)?;
        let arguments = [
            Argument::Buffer(&sums),
            Argument::U64(length as u64),
            Argument::Buffer(&packed),
            Argument::U64(stride as u64),
            Argument::U32(self.scale.ciphertexts as u32),
            Argument::U32(WIDTH as u32),
            Argument::Buffer(&refused),
        ];
        let shape = Shape { grid: (length / 256) as u32, block: [256, 1], shared_words: 0 };
        // SAFETY: (u64* sums, u64 length, const u64* packed, u64 stride, u32 ciphertexts, u32 width, u32* refused), of
        // `length` words, `ciphertexts` times `stride` words, and one word.
        unsafe { self.time(Kernel::AddPacked, shape, &arguments) }
    }

    fn unmask(&mut self) -> Result<f64, DeviceError> {
        let (key, table, residual) =
            (self.queue.zeroed(DEGREE)?, self.queue.zeroed(TABLE)?, self.queue.zeroed(1)?);
        let sums = self.queue.zeroed(self.scale.chunk * DEGREE)?;
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&key),
            Argument::Buffer(&sums),
            Argument::U64(self.scale.chunk as u64),
            Argument::U32(20),
            Argument::U32(31),
            Argument::Buffer(&residual),
            Argument::Buffer(&table),
        ];
        let shape = Shape { grid: self.scale.chunk as u32, block: [256, 1], shared_words: TEAM_WORDS };
        // SAFETY: the parameters of `unmask` in masking/kernel.cu; key of N words, a table, sums of count blocks.
        unsafe { self.time(Kernel::Unmask, shape, &arguments) }
    }

    fn fold_rows(&mut self) -> Result<f64, DeviceError> {
        let grid = self.scale.chunk.min(264) as u32;
        let (tables, twiddles) = (self.queue.zeroed(2048)?, self.queue.zeroed(TABLE)?);
        let packed = self.queue.zeroed(self.scale.chunk * DEGREE * WIDTH / 64)?;
        let adjoints = self.queue.zeroed(grid as usize * 2 * DEGREE)?;
        let inners = self.queue.zeroed(grid as usize * 2)?;
        let refused = self.queue.zeroed(1)?;
        let sums = self.queue.zeroed(2 * DEGREE)?;
        let added = [
            Argument::Buffer(&adjoints),
            Argument::U64(grid.into()),
            Argument::U64(2 * DEGREE as u64),
            Argument::Buffer(&sums),
        ];
        let adding = Shape { grid: 16, block: [256, 1], shared_words: 0 };
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::stream_key(&[2; 32]),
            Argument::U64(0),
            Argument::U64(self.scale.chunk as u64),
            Argument::Buffer(&tables),
            Argument::Buffer(&packed),
            Argument::U32(WIDTH as u32),
            Argument::Buffer(&adjoints),
            Argument::Buffer(&inners),
            Argument::Buffer(&refused),
            Argument::Buffer(&twiddles),
        ];
        let shape = Shape { grid, block: [256, 1], shared_words: FOLD_WORDS };
        // SAFETY: the parameters of `fold_rows`: tables of 2048 words, count blocks of packed words, two blocks and two words
        // for each block of threads, one word, a table; the shape has the shared memory. Then those of `add_partial_sums`.
        unsafe {
            self.time_all(&[
                (Kernel::FoldRows, shape, &arguments[..]),
                (Kernel::AddPartialSums, adding, &added[..]),
            ])
        }
    }

    fn project(&mut self) -> Result<f64, DeviceError> {
        let grid = (8 * self.scale.chunk).min(528) as u32;
        let values = self.queue.zeroed(self.scale.chunk * DEGREE)?;
        let sums = self.queue.zeroed(grid as usize * 256)?;
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&values),
            Argument::U64(self.scale.chunk as u64),
            Argument::Buffer(&sums),
        ];
        let shape = Shape { grid, block: [256, 1], shared_words: 0 };
        // SAFETY: the parameters of `project`: count blocks, and 256 words for each block of threads.
        unsafe { self.time(Kernel::Project, shape, &arguments) }
    }
}
