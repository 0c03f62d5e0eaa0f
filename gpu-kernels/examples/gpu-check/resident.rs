//! Kernels on words that are already on the card: their times without copies.

use std::error::Error;
use std::time::Instant;

use gpu_kernels::cuda::{Cuda, CudaQueue};
use gpu_kernels::device::{Device, DeviceError, Queue};
use gpu_kernels::kernels::{self, Kernel, Launch, Shape};
use gpu_kernels::shapes::{Shapes, TEAM_WORDS};
use gpu_kernels::{Options, fold_rows};
use lattice::expand::PublicStreamKey;
use testkit::seeded;

use crate::Scale;

/// N.
const DEGREE: usize = 2048;

/// Words of the longer of the two tables of twiddles.
const TABLE: usize = 2 * DEGREE;

/// The width of packed words.
const WIDTH: usize = 44;

/// The most launches of one measurement.
const MOST_LAUNCHES: usize = 1000;

/// The highest rates of a card.
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

/// The time of one kernel, with the addition of its partial sums if it has any.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The kernel, which has the name of its operation.
    pub(crate) kernel: Kernel,
    /// Polynomials of the launch.
    pub(crate) polynomials: usize,
    /// Bytes of the card's memory that must be read and written.
    pub(crate) bytes: usize,
    /// Seconds of the launch.
    pub(crate) seconds: f64,
}

impl Measured {
    fn new(kernel: Kernel, polynomials: usize, bytes: usize, seconds: f64) -> Self {
        Self { kernel, polynomials, bytes, seconds }
    }
}

/// Measures the card's highest rates and the time of every kernel.
///
/// # Errors
/// When the card fails or has less memory left than `scale` says.
pub(crate) fn measure(card: &Cuda, scale: &Scale) -> Result<(Rates, Vec<Measured>), Box<dyn Error>> {
    let mut bench = Bench { queue: card.queue()?, shapes: Shapes::new(&Options::default()), scale };
    let start = Instant::now();
    while start.elapsed() < scale.warm_up {
        bench.alu()?;
    }
    let before = bench.rates()?;
    let measured = vec![
        bench.forward()?,
        bench.inverse()?,
        bench.add_packed()?,
        bench.unmask()?,
        bench.inner_product()?,
        bench.adjoint_accumulate()?,
        bench.fold_rows()?,
    ];
    // The card may be fastest before the kernels or after them.
    Ok((before.best(&bench.rates()?), measured))
}

/// Reads and writes beyond the memory that it was given, for a sanitizer to find.
///
/// # Errors
/// When the card fails.
pub(crate) fn overflow(card: &Cuda) -> Result<(), DeviceError> {
    // Not a multiple of the unit in which a card gives memory, so that no other allocation follows
    // immediately.
    const WORDS: usize = 250;
    let mut queue = card.queue()?;
    let (to, from) = (queue.zeroed(WORDS)?, queue.zeroed(WORDS)?);
    let arguments = kernels::ProbeCopy { to: &to, from: &from, length: WORDS as u64 + 1 };
    let shape = Shape { grid: 2, block: [256, 1], shared_words: 0 };
    // SAFETY: the length is one too many. A card gives memory in runs of 512 bytes, so the word
    // after the buffer belongs to no other one.
    unsafe { queue.launch(&arguments.launch(shape))? };
    queue.wait()
}

/// Reads words that other threads may not have written yet, for a sanitizer to find.
///
/// # Errors
/// When the card fails.
pub(crate) fn race(card: &Cuda) -> Result<(), DeviceError> {
    const THREADS: u32 = 256;
    let mut queue = card.queue()?;
    let out = queue.allocate(THREADS as usize)?;
    let shape = Shape { grid: 1, block: [THREADS, 1], shared_words: THREADS };
    // SAFETY: `out` and the shared memory hold a word for each thread.
    unsafe { queue.launch(&kernels::PlantedRace { out: &out }.launch(shape))? };
    queue.wait()
}

struct Bench<'a> {
    queue: CudaQueue,
    shapes: Shapes,
    scale: &'a Scale,
}

type Buffer = <CudaQueue as Queue>::Buffer;

impl Bench<'_> {
    fn rates(&mut self) -> Result<Rates, DeviceError> {
        Ok(Rates {
            copied_bytes: self.copy()?,
            link_bytes: self.link()?,
            alu: self.alu()?,
            multiplies: self.multiplies()?,
        })
    }

    /// The mean time in seconds of these launches, one after another. They are repeated until the
    /// scale's least time is over. The first run does not count.
    ///
    /// # Safety
    /// For each launch, that of [`Queue::launch`].
    unsafe fn time(&mut self, launches: &[Launch<'_, Buffer>]) -> Result<f64, DeviceError> {
        let repeated = |queue: &mut CudaQueue, repetitions: usize| {
            queue.wait()?;
            let start = Instant::now();
            for _ in 0..repetitions {
                for launch in launches {
                    // SAFETY: the caller's promise.
                    unsafe { queue.launch(launch)? };
                }
            }
            queue.wait()?;
            Ok::<_, DeviceError>(start.elapsed().as_secs_f64() / repetitions as f64)
        };
        repeated(&mut self.queue, 1)?;
        let estimate = repeated(&mut self.queue, 1)?;
        let repetitions = (self.scale.least_seconds / estimate).ceil() as usize;
        let seconds = repeated(&mut self.queue, repetitions.clamp(1, MOST_LAUNCHES))?;
        self.queue.clear();
        Ok(seconds)
    }

    /// Like [`time`](Self::time) for one launch. The addition of its partial sums follows each
    /// time. They are a run of `length` words for each block of threads.
    ///
    /// # Safety
    /// That of [`Queue::launch`]. `partial_sums` holds these runs of words.
    unsafe fn time_with_sums(
        &mut self,
        launch: Launch<'_, Buffer>,
        partial_sums: &Buffer,
        length: usize,
    ) -> Result<f64, DeviceError> {
        let sums = self.queue.allocate(length)?;
        let count = launch.shape().grid.into();
        let added = kernels::AddPartialSums { partial_sums, count, length: length as u64, sums: &sums };
        let added = added.launch(self.shapes.sums(length));
        // SAFETY: the caller's promise, and `sums` holds `length` words.
        unsafe { self.time(&[launch, added]) }
    }

    /// At least this many words that look random. They are zeros with masks taken off.
    fn random(&mut self, words: usize) -> Result<Buffer, DeviceError> {
        let polynomials = words.div_ceil(DEGREE);
        let (key, table, residual) = (self.table()?, self.table()?, self.queue.zeroed(1)?);
        let out = self.queue.zeroed(polynomials * DEGREE)?;
        let arguments = unmasking(&key, &out, polynomials, 1, &residual, &table);
        // SAFETY: as `unmasking` asks.
        unsafe { self.queue.launch(&arguments.launch(self.shapes.teams(polynomials)))? };
        Ok(out)
    }

    /// A table of as many words as the longer table of twiddles. The values do not change a
    /// kernel's time.
    fn table(&mut self) -> Result<Buffer, DeviceError> {
        let words: Vec<u8> = seeded::elements(4, TABLE).into_iter().flat_map(u64::to_le_bytes).collect();
        self.queue.upload(&[&words])
    }

    /// Bytes read and written a second.
    fn copy(&mut self) -> Result<f64, DeviceError> {
        let words = self.scale.copied;
        let (to, from) = (self.queue.allocate(words)?, self.random(words)?);
        let arguments = kernels::ProbeCopy { to: &to, from: &from, length: words as u64 };
        // SAFETY: both buffers hold `length` words.
        let seconds = unsafe { self.time(&[arguments.launch(self.shapes.words(words))])? };
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
            self.queue.clear();
        }
        Ok((8 * words) as f64 / least)
    }

    /// Shifts and logic a second: 16 in each round of a thread.
    fn alu(&mut self) -> Result<f64, DeviceError> {
        self.pipe(16, |out, rounds, operand, shape| kernels::ProbeAlu { out, rounds, operand }.launch(shape))
    }

    /// Multiplications a second: 8 in each round of a thread.
    fn multiplies(&mut self) -> Result<f64, DeviceError> {
        self.pipe(8, |out, rounds, operand, shape| {
            kernels::ProbeMultiply { out, rounds, operand }.launch(shape)
        })
    }

    /// Operations a second of a pipe, from a probe with `operations` in each round of a thread.
    fn pipe(
        &mut self,
        operations: u32,
        launch: impl for<'b> Fn(&'b Buffer, u32, u32, Shape) -> Launch<'b, Buffer>,
    ) -> Result<f64, DeviceError> {
        let shape = Shape { grid: self.scale.probe_blocks, block: [256, 1], shared_words: 0 };
        let threads = shape.grid * shape.block[0];
        let out = self.queue.allocate(threads as usize)?;
        // SAFETY: `out` holds a word for each thread.
        let seconds = unsafe { self.time(&[launch(&out, self.scale.rounds, 0x9e37_79b9, shape)])? };
        Ok(f64::from(threads) * f64::from(self.scale.rounds * operations) / seconds)
    }

    fn forward(&mut self) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.batch;
        let (blocks, twiddles) = (self.random(polynomials * DEGREE)?, self.table()?);
        let count = polynomials as u64;
        let arguments = kernels::Forward { blocks: &blocks, count, twiddles: &twiddles };
        // SAFETY: `blocks` holds `count` blocks, and the table is long enough.
        let seconds = unsafe { self.time(&[arguments.launch(self.shapes.teams(polynomials))])? };
        Ok(Measured::new(Kernel::Forward, polynomials, 16 * polynomials * DEGREE, seconds))
    }

    fn inverse(&mut self) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.batch;
        let (blocks, inverse_twiddles) = (self.random(polynomials * DEGREE)?, self.table()?);
        let count = polynomials as u64;
        let arguments = kernels::Inverse { blocks: &blocks, count, inverse_twiddles: &inverse_twiddles };
        // SAFETY: `blocks` holds `count` blocks, and the table is long enough.
        let seconds = unsafe { self.time(&[arguments.launch(self.shapes.teams(polynomials))])? };
        Ok(Measured::new(Kernel::Inverse, polynomials, 16 * polynomials * DEGREE, seconds))
    }

    fn add_packed(&mut self) -> Result<Measured, DeviceError> {
        let (polynomials, bodies) = (self.scale.added, self.scale.bodies);
        let length = polynomials * DEGREE;
        let stride = length * WIDTH / 64;
        let (sums, packed, refused) =
            (self.random(length)?, self.random(bodies * stride)?, self.queue.zeroed(1)?);
        let arguments = kernels::AddPacked {
            sums: &sums,
            length: length as u64,
            packed: &packed,
            stride: stride as u64,
            bodies: bodies as u32,
            width: WIDTH as u32,
            refused: &refused,
        };
        // SAFETY: `sums` holds `length` words, `packed` holds `bodies` runs of `stride`, and
        // `refused` is one word.
        let seconds = unsafe { self.time(&[arguments.launch(self.shapes.words(length))])? };
        let bytes = 8 * bodies * stride + 16 * length;
        Ok(Measured::new(Kernel::AddPacked, polynomials, bytes, seconds))
    }

    fn unmask(&mut self) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.batch;
        let length = polynomials * DEGREE;
        let (key, table, sums, residual) =
            (self.table()?, self.table()?, self.random(length)?, self.queue.zeroed(1)?);
        let arguments = unmasking(&key, &sums, polynomials, 31, &residual, &table);
        // SAFETY: as `unmasking` asks.
        let seconds = unsafe { self.time(&[arguments.launch(self.shapes.teams(polynomials))])? };
        Ok(Measured::new(Kernel::Unmask, polynomials, 16 * length, seconds))
    }

    fn inner_product(&mut self) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.batch;
        let length = polynomials * DEGREE;
        let shape = self.shapes.summing_words(length);
        let (lhs, rhs) = (self.random(length)?, self.random(length)?);
        let partial_sums = self.queue.allocate(shape.grid as usize)?;
        let length = length as u64;
        let arguments = kernels::InnerProduct { lhs: &lhs, rhs: &rhs, length, partial_sums: &partial_sums };
        // SAFETY: `lhs` and `rhs` hold `length` words, `partial_sums` one for each block of
        // threads.
        let seconds = unsafe { self.time(&[arguments.launch(shape)])? };
        Ok(Measured::new(Kernel::InnerProduct, polynomials, 16 * polynomials * DEGREE, seconds))
    }

    fn adjoint_accumulate(&mut self) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.batch;
        let length = polynomials * DEGREE;
        let shape = self.shapes.summing_teams(polynomials, TEAM_WORDS);
        let (blocks, twiddles, partial_sums) =
            (self.random(length)?, self.table()?, self.queue.allocate(shape.grid as usize * DEGREE)?);
        let arguments = kernels::AdjointAccumulate {
            stream: (&PublicStreamKey::from_bytes([1; 32])).into(),
            first: 0,
            blocks: &blocks,
            count: polynomials as u64,
            partial_sums: &partial_sums,
            twiddles: &twiddles,
        };
        // SAFETY: `blocks` holds `count` blocks, `partial_sums` one for each block of threads, and
        // the table is long enough.
        let seconds = unsafe { self.time_with_sums(arguments.launch(shape), &partial_sums, DEGREE)? };
        Ok(Measured::new(Kernel::AdjointAccumulate, polynomials, 8 * length, seconds))
    }

    fn fold_rows(&mut self) -> Result<Measured, DeviceError> {
        let polynomials = self.scale.chunk;
        let shape = self.shapes.summing_teams(polynomials, fold_rows::SHARED_WORDS);
        let grid = shape.grid as usize;
        let packed_words = polynomials * DEGREE * WIDTH / 64;
        let (tables, packed, twiddles) = (self.table()?, self.random(packed_words)?, self.table()?);
        let (adjoints, inners, refused) =
            (self.queue.allocate(grid * 2 * DEGREE)?, self.queue.allocate(grid * 2)?, self.queue.zeroed(1)?);
        let arguments = kernels::FoldRows {
            rows: (&PublicStreamKey::from_bytes([1; 32])).into(),
            masks: (&PublicStreamKey::from_bytes([2; 32])).into(),
            first: 0,
            count: polynomials as u64,
            power_tables: &tables,
            packed: Some(&packed),
            width: WIDTH as u32,
            partial_adjoints: &adjoints,
            partial_inners: &inners,
            refused: &refused,
            twiddles: &twiddles,
        };
        // SAFETY: the tables have 2048 words, `packed` holds `count` blocks of packed words, the
        // partial sums have two blocks and two words for each block of threads, `refused` is one
        // word, and the table of twiddles is long enough.
        let seconds = unsafe { self.time_with_sums(arguments.launch(shape), &adjoints, 2 * DEGREE)? };
        Ok(Measured::new(Kernel::FoldRows, polynomials, 8 * packed_words, seconds))
    }
}

/// The arguments of `unmask` for a key of N words, a sum of `polynomials` blocks, one word for the
/// residual, and a table.
fn unmasking<'a>(
    key: &'a Buffer,
    words: &'a Buffer,
    polynomials: usize,
    delta: u32,
    largest_residual: &'a Buffer,
    inverse_twiddles: &'a Buffer,
) -> kernels::Unmask<'a, Buffer> {
    let (stream, count, tau) =
        ((&PublicStreamKey::from_bytes([1; 32])).into(), polynomials as u64, 64 - WIDTH as u32);
    kernels::Unmask { stream, first: 0, key, words, count, tau, delta, largest_residual, inverse_twiddles }
}
