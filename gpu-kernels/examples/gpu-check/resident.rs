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

/// Blocks of threads of a kernel that sums up: as many as are on an H100 at once.
const GRID: usize = 264;

/// What a card can do at most.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Bytes read and written a second by a copy within the card's memory.
    pub(crate) copied_bytes: f64,
    /// Bytes a second from the card to page-locked memory of the host.
    pub(crate) link_bytes: f64,
    /// 32-bit shifts and logic a second.
    pub(crate) alu: f64,
    /// 32-bit multiplications a second.
    pub(crate) multiplies: f64,
}

/// One kernel, or one with what sums up its partial sums.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The operation of a backend.
    pub(crate) operation: &'static str,
    /// Its kernel.
    pub(crate) kernel: Kernel,
    /// Polynomials of the launch.
    pub(crate) polynomials: usize,
    /// Bytes of the card's memory that must be read and written.
    pub(crate) bytes: usize,
    /// Seconds of the launch.
    pub(crate) seconds: f64,
}

/// What the card can do at most, and what every kernel takes.
///
/// # Errors
/// When the card fails or has not as much memory left as `scale` says.
pub(crate) fn measure(card: &Cuda, scale: &Scale) -> Result<(Rates, Vec<Measured>), Box<dyn Error>> {
    let mut bench = Bench { queue: card.queue()?, scale };
    let rates = Rates {
        copied_bytes: bench.copy(scale.copied)?,
        link_bytes: bench.link(scale.copied / 4)?,
        alu: bench.pipe(Kernel::ProbeAlu, 16)?,
        multiplies: bench.pipe(Kernel::ProbeMultiply, 8)?,
    };
    let measured = vec![
        bench.transform("forward", Kernel::ForwardBlocks)?,
        bench.transform("inverse", Kernel::InverseBlocks)?,
        bench.multiply_accumulate()?,
        bench.mask_product()?,
        bench.add_packed()?,
        bench.unmask()?,
        bench.inner_product()?,
        bench.adjoint_accumulate()?,
        bench.project()?,
        bench.fold_rows()?,
    ];
    Ok((rates, measured))
}

/// Reads and writes beyond what it has been given, for a sanitizer to find.
///
/// # Errors
/// When the card fails.
pub(crate) fn overflow(card: &Cuda) -> Result<(), DeviceError> {
    // No multiple of what memory is given in, so that nothing of another allocation comes right after.
    const WORDS: usize = 250;
    let mut queue = card.queue()?;
    let (to, from) = (queue.zeroed(WORDS)?, queue.zeroed(WORDS)?);
    let arguments = [Argument::Buffer(&to), Argument::Buffer(&from), Argument::U64(WORDS as u64 + 1)];
    let shape = Shape { grid: 2, block: [256, 1], shared_words: 0 };
    // SAFETY: of the parameters (u64* to, const u64* from, u64 length) the length is one too many; what is there belongs to
    // nobody, as a card gives memory in runs of 512 bytes.
    unsafe { queue.launch(Kernel::ProbeCopy, shape, &arguments)? };
    queue.wait()
}

struct Bench<'a> {
    queue: CudaQueue,
    scale: &'a Scale,
}

type Buffer = <CudaQueue as Queue>::Buffer;

impl Bench<'_> {
    /// Seconds of a launch, over several after some that do not count.
    ///
    /// # Safety
    /// As [`Queue::launch`].
    unsafe fn time(
        &mut self,
        kernel: Kernel,
        shape: Shape,
        arguments: &[Argument<'_, Buffer>],
    ) -> Result<f64, DeviceError> {
        // SAFETY: the caller's promise.
        unsafe { self.time_all(&[(kernel, shape, arguments)]) }
    }

    /// Seconds of some launches one after another.
    ///
    /// # Safety
    /// As [`Queue::launch`], for each.
    unsafe fn time_all(
        &mut self,
        launches: &[(Kernel, Shape, &[Argument<'_, Buffer>])],
    ) -> Result<f64, DeviceError> {
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

    /// As [`time`](Self::time), then the sums of `grid` runs of `length` words of `partial_sums`.
    ///
    /// # Safety
    /// As [`Queue::launch`]; `partial_sums` holds that many words.
    unsafe fn time_with_sums(
        &mut self,
        (kernel, shape, arguments): (Kernel, Shape, &[Argument<'_, Buffer>]),
        partial_sums: &Buffer,
        length: usize,
    ) -> Result<f64, DeviceError> {
        let sums = self.queue.zeroed(length)?;
        let added = [
            Argument::Buffer(partial_sums),
            Argument::U64(shape.grid.into()),
            Argument::U64(length as u64),
            Argument::Buffer(&sums),
        ];
        let adding = Shape { grid: length.div_ceil(32) as u32, block: [256, 1], shared_words: 0 };
        // SAFETY: the caller's promise, and the parameters (const u64* partial_sums, u64 count, u64 length, u64* sums).
        unsafe { self.time_all(&[(kernel, shape, arguments), (Kernel::AddPartialSums, adding, &added)]) }
    }

    /// Bytes read and written a second.
    fn copy(&mut self, words: usize) -> Result<f64, DeviceError> {
        let (to, from) = (self.queue.zeroed(words)?, self.queue.zeroed(words)?);
        let arguments = [Argument::Buffer(&to), Argument::Buffer(&from), Argument::U64(words as u64)];
        let shape = Shape { grid: words.div_ceil(256).min(4224) as u32, block: [256, 1], shared_words: 0 };
        // SAFETY: (u64* to, const u64* from, u64 length), both of `length` words.
        let seconds = unsafe { self.time(Kernel::ProbeCopy, shape, &arguments)? };
        Ok((16 * words) as f64 / seconds)
    }

    /// Bytes a second to the host.
    fn link(&mut self, words: usize) -> Result<f64, DeviceError> {
        let mut least = f64::INFINITY;
        for _ in 0..=self.scale.launches {
            let buffer = self.queue.zeroed(words)?;
            self.queue.wait()?;
            let start = Instant::now();
            self.queue.download(&buffer)?;
            self.queue.wait()?;
            least = least.min(start.elapsed().as_secs_f64());
            self.queue.clear(false);
        }
        Ok((8 * words) as f64 / least)
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

    fn transform(&mut self, operation: &'static str, kernel: Kernel) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.batch;
        let values = self.queue.zeroed(polynomials * DEGREE)?;
        let table = self.queue.zeroed(TABLE)?;
        let arguments =
            [Argument::Buffer(&values), Argument::U64(polynomials as u64), Argument::Buffer(&table)];
        // SAFETY: (u64* blocks, u64 count, const u64* twiddles): count blocks and a table.
        let seconds = unsafe { self.time(kernel, teams(polynomials, TEAM_WORDS), &arguments)? };
        Ok(Measured { operation, kernel, polynomials, bytes: 16 * polynomials * DEGREE, seconds })
    }

    /// A measurement of a chunk.
    fn chunk(
        &self,
        operation: &'static str,
        kernel: Kernel,
        bytes_per_word: usize,
        seconds: f64,
    ) -> Measured {
        let polynomials = self.scale.chunk;
        Measured { operation, kernel, polynomials, bytes: bytes_per_word * polynomials * DEGREE, seconds }
    }

    fn multiply_accumulate(&mut self) -> Result<Measured, DeviceError> {
        let length = self.scale.chunk * DEGREE;
        let (sums, lhs, rhs) =
            (self.queue.zeroed(length)?, self.queue.zeroed(length)?, self.queue.zeroed(DEGREE)?);
        let arguments = [
            Argument::Buffer(&sums),
            Argument::Buffer(&lhs),
            Argument::Buffer(&rhs),
            Argument::U64(length as u64),
        ];
        // SAFETY: (u64* sums, const u64* lhs, const u64* rhs, u64 length): `length` words twice, and N.
        let seconds = unsafe { self.time(Kernel::MultiplyAccumulate, words(length), &arguments)? };
        Ok(self.chunk("multiply_accumulate", Kernel::MultiplyAccumulate, 24, seconds))
    }

    fn mask_product(&mut self) -> Result<Measured, DeviceError> {
        let (key, table) = (self.queue.zeroed(DEGREE)?, self.queue.zeroed(TABLE)?);
        let out = self.queue.zeroed(self.scale.chunk * DEGREE)?;
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&key),
            Argument::Buffer(&out),
            Argument::U64(self.scale.chunk as u64),
            Argument::Buffer(&table),
        ];
        let shape = teams(self.scale.chunk, TEAM_WORDS);
        // SAFETY: the parameters of `mask_product` in masking/kernel.cu: key of N words, count blocks, a table.
        let seconds = unsafe { self.time(Kernel::MaskProduct, shape, &arguments)? };
        Ok(self.chunk("mask_product", Kernel::MaskProduct, 8, seconds))
    }

    fn add_packed(&mut self) -> Result<Measured, DeviceError> {
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
        // SAFETY: (u64* sums, u64 length, const u64* packed, u64 stride, u32 ciphertexts, u32 width, u32* refused), of
        // `length` words, `ciphertexts` times `stride` words, and one word.
        let seconds = unsafe { self.time(Kernel::AddPacked, words(length), &arguments)? };
        let bytes = 8 * self.scale.ciphertexts * stride + 16 * length;
        Ok(Measured { bytes, ..self.chunk("add_packed", Kernel::AddPacked, 0, seconds) })
    }

    fn unmask(&mut self) -> Result<Measured, DeviceError> {
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
        let shape = teams(self.scale.chunk, TEAM_WORDS);
        // SAFETY: the parameters of `unmask` in masking/kernel.cu; key of N words, a table, sums of count blocks.
        let seconds = unsafe { self.time(Kernel::Unmask, shape, &arguments)? };
        Ok(self.chunk("unmask", Kernel::Unmask, 16, seconds))
    }

    fn inner_product(&mut self) -> Result<Measured, DeviceError> {
        let length = self.scale.chunk * DEGREE;
        let (lhs, rhs, sums) =
            (self.queue.zeroed(length)?, self.queue.zeroed(length)?, self.queue.zeroed(GRID)?);
        let arguments = [
            Argument::Buffer(&lhs),
            Argument::Buffer(&rhs),
            Argument::U64(length as u64),
            Argument::Buffer(&sums),
        ];
        let shape = Shape { grid: GRID as u32, block: [256, 1], shared_words: 0 };
        // SAFETY: (const u64* lhs, const u64* rhs, u64 length, u64* partial_sums): `length` words twice, and one for each block
        // of threads.
        let seconds = unsafe { self.time(Kernel::InnerProduct, shape, &arguments)? };
        Ok(self.chunk("inner_product", Kernel::InnerProduct, 16, seconds))
    }

    fn adjoint_accumulate(&mut self) -> Result<Measured, DeviceError> {
        let grid = self.scale.chunk.min(GRID);
        let (blocks, twiddles) = (self.queue.zeroed(self.scale.chunk * DEGREE)?, self.queue.zeroed(TABLE)?);
        let partial_sums = self.queue.zeroed(grid * DEGREE)?;
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&blocks),
            Argument::U64(self.scale.chunk as u64),
            Argument::Buffer(&partial_sums),
            Argument::Buffer(&twiddles),
        ];
        let launch = (Kernel::AdjointAccumulate, teams(grid, TEAM_WORDS), &arguments[..]);
        // SAFETY: the parameters of `adjoint_accumulate`: count blocks, a block for each block of threads, a table.
        let seconds = unsafe { self.time_with_sums(launch, &partial_sums, DEGREE)? };
        Ok(self.chunk("adjoint_accumulate", Kernel::AdjointAccumulate, 8, seconds))
    }

    fn project(&mut self) -> Result<Measured, DeviceError> {
        let grid = (8 * self.scale.chunk).min(2 * GRID);
        let values = self.queue.zeroed(self.scale.chunk * DEGREE)?;
        let sums = self.queue.zeroed(grid * 256)?;
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&values),
            Argument::U64(self.scale.chunk as u64),
            Argument::Buffer(&sums),
        ];
        let shape = Shape { grid: grid as u32, block: [256, 1], shared_words: 0 };
        // SAFETY: the parameters of `project`: count blocks, and 256 words for each block of threads.
        let seconds = unsafe { self.time(Kernel::Project, shape, &arguments)? };
        Ok(self.chunk("project", Kernel::Project, 8, seconds))
    }

    fn fold_rows(&mut self) -> Result<Measured, DeviceError> {
        let grid = self.scale.chunk.min(GRID);
        let (tables, twiddles) = (self.queue.zeroed(2048)?, self.queue.zeroed(TABLE)?);
        let packed = self.queue.zeroed(self.scale.chunk * DEGREE * WIDTH / 64)?;
        let adjoints = self.queue.zeroed(grid * 2 * DEGREE)?;
        let inners = self.queue.zeroed(grid * 2)?;
        let refused = self.queue.zeroed(1)?;
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
        let launch = (Kernel::FoldRows, teams(grid, FOLD_WORDS), &arguments[..]);
        // SAFETY: the parameters of `fold_rows`: tables of 2048 words, count blocks of packed words, two blocks and two words
        // for each block of threads, one word, a table; the shape has the shared memory.
        let seconds = unsafe { self.time_with_sums(launch, &adjoints, 2 * DEGREE)? };
        let bytes = self.scale.chunk * DEGREE * WIDTH / 8;
        Ok(Measured { bytes, ..self.chunk("fold_rows", Kernel::FoldRows, 0, seconds) })
    }
}

/// One team a block of threads.
fn teams(grid: usize, shared_words: u32) -> Shape {
    Shape { grid: grid as u32, block: [256, 1], shared_words }
}

/// Threads that stride over `length` words.
fn words(length: usize) -> Shape {
    Shape { grid: length.div_ceil(256).min(16 * GRID) as u32, block: [256, 1], shared_words: 0 }
}
