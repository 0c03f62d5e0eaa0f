//! Kernels on words that are already on the card: what they take without copies.

use std::error::Error;
use std::time::Instant;

use gpu_kernels::backend::{FOLD_WORDS, TEAM_WORDS};
use gpu_kernels::cuda::{Cuda, CudaQueue};
use gpu_kernels::device::{Argument, Device, DeviceError, Kernel, Queue, Shape};
use testkit::seeded;

use crate::Scale;

/// N.
const DEGREE: usize = 2048;

/// Words of the longer of the two tables of twiddles.
const TABLE: usize = 2 * DEGREE;

/// The width of packed words.
const WIDTH: usize = 44;

/// Blocks of threads of a kernel that sums up: as many as are on an H100 at once.
const GRID: usize = 264;

/// The most launches of one measurement.
const MOST_LAUNCHES: usize = 1000;

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

impl Rates {
    fn best(&self, other: &Self) -> Self {
        Self {
            copied_bytes: self.copied_bytes.max(other.copied_bytes),
            link_bytes: self.link_bytes.max(other.link_bytes),
            alu: self.alu.max(other.alu),
            multiplies: self.multiplies.max(other.multiplies),
        }
    }
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
    let start = Instant::now();
    while start.elapsed() < scale.warm_up {
        bench.pipe(Kernel::ProbeAlu, 16)?;
    }
    let before = bench.rates()?;
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
    // The limits are what the card did at best, be it before the kernels or after them.
    Ok((before.best(&bench.rates()?), measured))
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

/// Reads what other threads may not have written yet, for a sanitizer to find.
///
/// # Errors
/// When the card fails.
pub(crate) fn race(card: &Cuda) -> Result<(), DeviceError> {
    const THREADS: u32 = 256;
    let mut queue = card.queue()?;
    let out = queue.room(THREADS as usize)?;
    let shape = Shape { grid: 1, block: [THREADS, 1], shared_words: THREADS };
    // SAFETY: (u64* out), with a word for each thread there and in shared memory.
    unsafe { queue.launch(Kernel::PlantedRace, shape, &[Argument::Buffer(&out)])? };
    queue.wait()
}

struct Bench<'a> {
    queue: CudaQueue,
    scale: &'a Scale,
}

type Buffer = <CudaQueue as Queue>::Buffer;

/// A launch.
type Launch<'a> = (Kernel, Shape, &'a [Argument<'a, Buffer>]);

impl Bench<'_> {
    fn rates(&mut self) -> Result<Rates, DeviceError> {
        Ok(Rates {
            copied_bytes: self.copy()?,
            link_bytes: self.link()?,
            alu: self.pipe(Kernel::ProbeAlu, 16)?,
            multiplies: self.pipe(Kernel::ProbeMultiply, 8)?,
        })
    }

    /// Seconds of some launches one after another: on average over as many repetitions as take the least time that is measured,
    /// after one that does not count.
    ///
    /// # Safety
    /// As [`Queue::launch`], for each.
    unsafe fn time(&mut self, launches: &[Launch<'_>]) -> Result<f64, DeviceError> {
        let repeated = |queue: &mut CudaQueue, repetitions: usize| {
            queue.wait()?;
            let start = Instant::now();
            for _ in 0..repetitions {
                for &(kernel, shape, arguments) in launches {
                    // SAFETY: the caller's promise.
                    unsafe { queue.launch(kernel, shape, arguments)? };
                }
            }
            queue.wait()?;
            Ok::<_, DeviceError>(start.elapsed().as_secs_f64() / repetitions as f64)
        };
        repeated(&mut self.queue, 1)?;
        let estimate = repeated(&mut self.queue, 1)?;
        let repetitions = (self.scale.least_seconds / estimate).ceil() as usize;
        let seconds = repeated(&mut self.queue, repetitions.clamp(1, MOST_LAUNCHES))?;
        self.queue.clear(false);
        Ok(seconds)
    }

    /// As [`time`](Self::time), each time with the sums of as many runs of `length` words of `partial_sums` as there are blocks
    /// of threads.
    ///
    /// # Safety
    /// As [`Queue::launch`]; `partial_sums` holds that many words.
    unsafe fn time_with_sums(
        &mut self,
        launch: Launch<'_>,
        partial_sums: &Buffer,
        length: usize,
    ) -> Result<f64, DeviceError> {
        let sums = self.queue.room(length)?;
        let added = [
            Argument::Buffer(partial_sums),
            Argument::U64(launch.1.grid.into()),
            Argument::U64(length as u64),
            Argument::Buffer(&sums),
        ];
        let adding = Shape { grid: length.div_ceil(32) as u32, block: [256, 1], shared_words: 0 };
        // SAFETY: the caller's promise, and the parameters (const u64* partial_sums, u64 count, u64 length, u64* sums).
        unsafe { self.time(&[launch, (Kernel::AddPartialSums, adding, &added)]) }
    }

    /// At least so many words that look random: mask polynomials times a key.
    fn random(&mut self, words: usize) -> Result<Buffer, DeviceError> {
        let polynomials = words.div_ceil(DEGREE);
        let (key, table) = (self.table()?, self.table()?);
        let out = self.queue.room(polynomials * DEGREE)?;
        let arguments = mask_products(&key, &out, polynomials, &table);
        // SAFETY: as `mask_products` asks.
        unsafe { self.queue.launch(Kernel::MaskProduct, teams(polynomials, TEAM_WORDS), &arguments)? };
        Ok(out)
    }

    /// As many words as the longer table of twiddles has. What they are changes nothing but results.
    fn table(&mut self) -> Result<Buffer, DeviceError> {
        let words: Vec<u8> = seeded::elements(4, TABLE).into_iter().flat_map(u64::to_le_bytes).collect();
        self.queue.upload(&[&words])
    }

    /// Bytes read and written a second.
    fn copy(&mut self) -> Result<f64, DeviceError> {
        let words = self.scale.copied;
        let (to, from) = (self.queue.room(words)?, self.random(words)?);
        let arguments = [Argument::Buffer(&to), Argument::Buffer(&from), Argument::U64(words as u64)];
        // SAFETY: (u64* to, const u64* from, u64 length), both of `length` words.
        let seconds = unsafe { self.time(&[(Kernel::ProbeCopy, striding(words), &arguments)])? };
        Ok((16 * words) as f64 / seconds)
    }

    /// Bytes a second to the host, the fastest of three times.
    fn link(&mut self) -> Result<f64, DeviceError> {
        let words = self.scale.copied / 4;
        let mut least = f64::INFINITY;
        for _ in 0..3 {
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
        let out = self.queue.room(threads as usize)?;
        let arguments =
            [Argument::Buffer(&out), Argument::U32(self.scale.rounds), Argument::U32(0x9e37_79b9)];
        // SAFETY: (u64* out, u32 rounds, u32 operand), out with a word for each thread.
        let seconds = unsafe { self.time(&[(kernel, shape, &arguments)])? };
        Ok(f64::from(threads) * f64::from(self.scale.rounds * operations) / seconds)
    }

    fn transform(&mut self, operation: &'static str, kernel: Kernel) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.batch;
        let (values, table) = (self.random(polynomials * DEGREE)?, self.table()?);
        let arguments =
            [Argument::Buffer(&values), Argument::U64(polynomials as u64), Argument::Buffer(&table)];
        // SAFETY: (u64* blocks, u64 count, const u64* twiddles): count blocks and a table.
        let seconds = unsafe { self.time(&[(kernel, teams(polynomials, TEAM_WORDS), &arguments)])? };
        Ok(Measured { operation, kernel, polynomials, bytes: 16 * polynomials * DEGREE, seconds })
    }

    fn multiply_accumulate(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials) = (Kernel::MultiplyAccumulate, self.scale.batch);
        let length = polynomials * DEGREE;
        let (sums, lhs, rhs) = (self.random(length)?, self.random(length)?, self.table()?);
        let arguments = [
            Argument::Buffer(&sums),
            Argument::Buffer(&lhs),
            Argument::Buffer(&rhs),
            Argument::U64(length as u64),
        ];
        // SAFETY: (u64* sums, const u64* lhs, const u64* rhs, u64 length): `length` words twice, and N.
        let seconds = unsafe { self.time(&[(kernel, striding(length), &arguments)])? };
        Ok(Measured { operation: "multiply_accumulate", kernel, polynomials, bytes: 24 * length, seconds })
    }

    fn mask_product(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials) = (Kernel::MaskProduct, self.scale.batch);
        let length = polynomials * DEGREE;
        let (key, table, out) = (self.table()?, self.table()?, self.queue.room(length)?);
        let arguments = mask_products(&key, &out, polynomials, &table);
        // SAFETY: as `mask_products` asks.
        let seconds = unsafe { self.time(&[(kernel, teams(polynomials, TEAM_WORDS), &arguments)])? };
        Ok(Measured { operation: "mask_product", kernel, polynomials, bytes: 8 * length, seconds })
    }

    fn add_packed(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials, ciphertexts) =
            (Kernel::AddPacked, self.scale.added, self.scale.ciphertexts);
        let length = polynomials * DEGREE;
        let stride = length * WIDTH / 64;
        let (sums, packed, refused) =
            (self.random(length)?, self.random(ciphertexts * stride)?, self.queue.zeroed(1)?);
        let arguments = [
            Argument::Buffer(&sums),
            Argument::U64(length as u64),
            Argument::Buffer(&packed),
            Argument::U64(stride as u64),
            Argument::U32(ciphertexts as u32),
            Argument::U32(WIDTH as u32),
            Argument::Buffer(&refused),
        ];
        // SAFETY: (u64* sums, u64 length, const u64* packed, u64 stride, u32 ciphertexts, u32 width, u32* refused), of
        // `length` words, `ciphertexts` times `stride` words, and one word.
        let seconds = unsafe { self.time(&[(kernel, striding(length), &arguments)])? };
        let bytes = 8 * ciphertexts * stride + 16 * length;
        Ok(Measured { operation: "add_packed", kernel, polynomials, bytes, seconds })
    }

    fn unmask(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials) = (Kernel::Unmask, self.scale.batch);
        let length = polynomials * DEGREE;
        let (key, table, sums, residual) =
            (self.table()?, self.table()?, self.random(length)?, self.queue.zeroed(1)?);
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&key),
            Argument::Buffer(&sums),
            Argument::U64(polynomials as u64),
            Argument::U32(20),
            Argument::U32(31),
            Argument::Buffer(&residual),
            Argument::Buffer(&table),
        ];
        // SAFETY: the parameters of `unmask` in masking/kernel.cu; key of N words, a table, sums of count blocks.
        let seconds = unsafe { self.time(&[(kernel, teams(polynomials, TEAM_WORDS), &arguments)])? };
        Ok(Measured { operation: "unmask", kernel, polynomials, bytes: 16 * length, seconds })
    }

    fn inner_product(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials) = (Kernel::InnerProduct, self.scale.batch);
        let length = polynomials * DEGREE;
        let shape = Shape { grid: 4 * GRID as u32, block: [256, 1], shared_words: 0 };
        let (lhs, rhs, sums) = (self.random(length)?, self.random(length)?, self.queue.room(4 * GRID)?);
        let arguments = [
            Argument::Buffer(&lhs),
            Argument::Buffer(&rhs),
            Argument::U64(length as u64),
            Argument::Buffer(&sums),
        ];
        // SAFETY: (const u64* lhs, const u64* rhs, u64 length, u64* partial_sums): `length` words twice, and one for each block
        // of threads.
        let seconds = unsafe { self.time(&[(kernel, shape, &arguments)])? };
        Ok(Measured { operation: "inner_product", kernel, polynomials, bytes: 16 * length, seconds })
    }

    fn adjoint_accumulate(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials) = (Kernel::AdjointAccumulate, self.scale.batch);
        let (length, grid) = (polynomials * DEGREE, polynomials.min(GRID));
        let (blocks, twiddles, partial_sums) =
            (self.random(length)?, self.table()?, self.queue.room(grid * DEGREE)?);
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&blocks),
            Argument::U64(polynomials as u64),
            Argument::Buffer(&partial_sums),
            Argument::Buffer(&twiddles),
        ];
        let launch = (kernel, teams(grid, TEAM_WORDS), &arguments[..]);
        // SAFETY: the parameters of `adjoint_accumulate`: count blocks, a block for each block of threads, a table.
        let seconds = unsafe { self.time_with_sums(launch, &partial_sums, DEGREE)? };
        Ok(Measured { operation: "adjoint_accumulate", kernel, polynomials, bytes: 8 * length, seconds })
    }

    fn project(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials) = (Kernel::Project, self.scale.added);
        let (length, grid) = (polynomials * DEGREE, (8 * polynomials).min(2 * GRID));
        let (values, sums) = (self.random(length)?, self.queue.room(grid * 256)?);
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::U64(0),
            Argument::Buffer(&values),
            Argument::U64(polynomials as u64),
            Argument::Buffer(&sums),
        ];
        // SAFETY: the parameters of `project`: count blocks, and 256 words for each block of threads.
        let seconds = unsafe { self.time(&[(kernel, teams(grid, 0), &arguments)])? };
        Ok(Measured { operation: "project", kernel, polynomials, bytes: 8 * length, seconds })
    }

    fn fold_rows(&mut self) -> Result<Measured, DeviceError> {
        let (kernel, polynomials) = (Kernel::FoldRows, self.scale.chunk);
        let grid = polynomials.min(GRID);
        let packed_words = polynomials * DEGREE * WIDTH / 64;
        let (tables, packed, twiddles) = (self.table()?, self.random(packed_words)?, self.table()?);
        let (adjoints, inners, refused) =
            (self.queue.room(grid * 2 * DEGREE)?, self.queue.room(grid * 2)?, self.queue.zeroed(1)?);
        let arguments = [
            Argument::stream_key(&[1; 32]),
            Argument::stream_key(&[2; 32]),
            Argument::U64(0),
            Argument::U64(polynomials as u64),
            Argument::Buffer(&tables),
            Argument::Buffer(&packed),
            Argument::U32(WIDTH as u32),
            Argument::Buffer(&adjoints),
            Argument::Buffer(&inners),
            Argument::Buffer(&refused),
            Argument::Buffer(&twiddles),
        ];
        let launch = (kernel, teams(grid, FOLD_WORDS), &arguments[..]);
        // SAFETY: the parameters of `fold_rows`: tables of 2048 words, count blocks of packed words, two blocks and two words
        // for each block of threads, one word, a table; the shape has the shared memory.
        let seconds = unsafe { self.time_with_sums(launch, &adjoints, 2 * DEGREE)? };
        Ok(Measured { operation: "fold_rows", kernel, polynomials, bytes: 8 * packed_words, seconds })
    }
}

/// The arguments of `mask_product` in masking/kernel.cu: a key of N words, as many blocks as polynomials, a table.
fn mask_products<'a>(
    key: &'a Buffer,
    out: &'a Buffer,
    polynomials: usize,
    table: &'a Buffer,
) -> [Argument<'a, Buffer>; 6] {
    [
        Argument::stream_key(&[1; 32]),
        Argument::U64(0),
        Argument::Buffer(key),
        Argument::Buffer(out),
        Argument::U64(polynomials as u64),
        Argument::Buffer(table),
    ]
}

/// Blocks of one team.
fn teams(grid: usize, shared_words: u32) -> Shape {
    Shape { grid: grid as u32, block: [256, 1], shared_words }
}

/// Threads that stride over `length` words.
fn striding(length: usize) -> Shape {
    Shape { grid: length.div_ceil(256).min(16 * GRID) as u32, block: [256, 1], shared_words: 0 }
}
