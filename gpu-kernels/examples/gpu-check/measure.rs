//! Measurements as one JSON object on standard output. They compare each operation's kernel with
//! the card's rates. They compare the whole operation, with its copies, with the processor of the
//! same machine.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread;
use std::time::Instant;

use gpu_kernels::cuda::{self, Cuda};
use gpu_kernels::kernels::Kernel;
use gpu_kernels::{DeviceBackend, Options};
use lattice::{
    CpuBackend, Evaluation, Fq, MaskPolynomials, Poly, ProjectionRows, RING_DEGREE, RowFold, RowFolding,
    Unmasking, Width, pack,
};
use testkit::seeded;

use crate::Scale;
use crate::resident::{self, Measured, Rates};

/// Repetitions of an operation with copies. The fastest counts.
const REPETITIONS: usize = 5;

/// Threads of a team, each of which runs the instructions that the compiler's table counts.
const TEAM: f64 = 256.0;

/// Prints the measurements.
///
/// # Errors
/// When there is no card or it fails.
pub(crate) fn run(scale: &Scale) -> Result<(), Box<dyn Error>> {
    let (rates, kernels) = resident::measure(&Cuda::open(0, scale.queue_bytes)?, scale)?;
    let (card, description) = cuda::backend(&Options::default())?;
    let (with_copies, words) = operations(&card, scale)?;
    let (processor, expected) = operations(&CpuBackend::new(), scale)?;
    if words != expected {
        return Err("card and processor do not give the same words".into());
    }
    println!("{{");
    println!("  \"card\": {description:?},");
    println!("  \"scale\": {:?},", scale.name);
    println!("  \"processor_threads\": {},", thread::available_parallelism()?);
    println!("  \"copied_bytes_per_second\": {:.4e},", rates.copied_bytes);
    println!("  \"link_bytes_per_second\": {:.4e},", rates.link_bytes);
    println!("  \"alu_per_second\": {:.4e},", rates.alu);
    println!("  \"multiplies_per_second\": {:.4e},", rates.multiplies);
    println!("  \"operations\": {{");
    let rows: Vec<String> = kernels
        .iter()
        .map(|measured| {
            row(
                measured,
                &rates,
                scale,
                &with_copies[measured.kernel.name()],
                processor[measured.kernel.name()].seconds,
            )
        })
        .collect();
    println!("{}", rows.join(",\n"));
    println!("  }}");
    println!("}}");
    Ok(())
}

/// An operation as one line of JSON. Figures without copies are for the polynomials of the launch,
/// those with copies for a chunk.
fn row(measured: &Measured, rates: &Rates, scale: &Scale, with_copies: &Timed, processor: f64) -> String {
    let (limit, bound_by) = limit(measured, rates);
    let (there, back) = with_copies.copied;
    let link = there.max(back) as f64 / rates.link_bytes;
    let both = link.max(limit * scale.chunk as f64 / measured.polynomials as f64);
    format!(
        "    \"{}\": {{\"polynomials\": {}, \"kernel_seconds\": {:.3e}, \"limit_seconds\": {limit:.3e}, \
         \"bound_by\": \"{bound_by}\", \"of_limit\": {:.3}, \"chunk\": {}, \"with_copies_seconds\": {:.3e}, \
         \"with_copies_limit_seconds\": {both:.3e}, \"with_copies_of_limit\": {:.3}, \"processor_seconds\": {processor:.3e}}}",
        measured.kernel.name(),
        measured.polynomials,
        measured.seconds,
        limit / measured.seconds,
        scale.chunk,
        with_copies.seconds,
        both / with_copies.seconds,
    )
}

/// The least seconds that a kernel can take, and the resource that limits it: memory, one of the
/// two pipes, or the issue of instructions. Instructions are issued twice as fast as the pipe of
/// additions and logic takes them.
fn limit(measured: &Measured, rates: &Rates) -> (f64, &'static str) {
    let threads = measured.polynomials as f64 * TEAM;
    let [run, alu, multiplies] = instructions(measured.kernel);
    let bounds = [
        (measured.bytes as f64 / rates.copied_bytes, "memory"),
        (threads * alu / rates.alu, "alu"),
        (threads * multiplies / rates.multiplies, "multiplies"),
        (threads * run / (2.0 * rates.alu), "issue"),
    ];
    bounds.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).expect("four bounds")
}

/// The fewest instructions that a thread runs for a polynomial, from the compiler's table. The
/// numbers are of all instructions, of those for the pipe of additions and logic, and of those for
/// the pipe of multiplications. They are zero for kernels that wait for memory, which the table
/// does not count.
fn instructions(kernel: Kernel) -> [f64; 3] {
    let table = include_str!("../../prebuilt/resources.tsv");
    let row = table.lines().find(|line| line.split('\t').next() == Some(kernel.name()));
    let fields: Vec<&str> = row.expect("every kernel has a row").split('\t').collect();
    [6, 7, 8].map(|column| fields[column].parse().unwrap_or(0.0))
}

/// An operation on a chunk.
struct Timed {
    seconds: f64,
    /// Bytes that must go to the card, and come back from it.
    copied: (usize, usize),
}

type Operation<'a> = dyn Fn(&mut Input) -> Result<(), Box<dyn Error>> + 'a;

/// Operations by their names.
type Timings = BTreeMap<&'static str, Timed>;

/// The times of the operations on a chunk, and all their results.
fn operations(backend: &dyn DeviceBackend, scale: &Scale) -> Result<(Timings, Words), Box<dyn Error>> {
    let mut input = Input::new(scale.chunk);
    let (words, packed) = (8 * input.words.values.len(), input.packed.len());
    let named: [(&str, (usize, usize), Box<Operation<'_>>); 7] = [
        ("forward", (words, words), Box::new(|input| Ok(backend.forward(&mut input.words.values)?))),
        ("inverse", (words, words), Box::new(|input| Ok(backend.inverse(&mut input.words.values)?))),
        (
            "add_packed",
            (words + scale.bodies * packed, words),
            Box::new(|input| {
                let bodies = vec![input.packed.as_slice(); scale.bodies];
                Ok(backend.add_packed(&mut input.words.added, input.width, &bodies)?)
            }),
        ),
        ("unmask", (words, words), Box::new(|input| input.unmask(backend))),
        (
            "inner_product",
            (2 * words, 0),
            Box::new(|input| {
                input.words.sums.push(backend.inner_product(&input.words.values, &input.factors)?);
                Ok(())
            }),
        ),
        (
            "adjoint_accumulate",
            (words, 0),
            Box::new(|input| {
                let mut adjoint = Poly::zero();
                backend.adjoint_accumulate(&input.masks, 0, &input.words.values, &mut adjoint)?;
                input.words.sums.extend(adjoint.values());
                Ok(())
            }),
        ),
        ("fold_rows", (packed, 0), Box::new(|input| input.fold(backend))),
    ];
    let mut timed = Timings::new();
    for (name, copied, operation) in named {
        timed.insert(name, Timed { seconds: fastest(&mut input, &operation)?, copied });
    }
    Ok((timed, input.words))
}

fn fastest(input: &mut Input, operation: &Operation<'_>) -> Result<f64, Box<dyn Error>> {
    let mut least = f64::INFINITY;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        operation(input)?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// The words that operations change in place, and the results of operations.
#[derive(PartialEq)]
struct Words {
    values: Vec<u64>,
    added: Vec<u64>,
    unmasked: Vec<i64>,
    residual: u64,
    /// Results of the operations that sum up a chunk.
    sums: Vec<u64>,
}

/// The inputs of all operations, one chunk of each.
struct Input {
    width: Width,
    packed: Vec<u8>,
    factors: Vec<u64>,
    words: Words,
    masks: MaskPolynomials,
    rows: ProjectionRows,
    key: Poly<Evaluation>,
}

impl Input {
    fn new(chunk: usize) -> Self {
        let width = Width::from_transport_bits(20).expect("1 to 32 bits");
        let values = seeded::elements(1, chunk * RING_DEGREE);
        let words: Vec<u64> = values.iter().map(|value| value >> width.transport_bits()).collect();
        let mut packed = vec![0; width.bytes(words.len())];
        pack::pack(width, &words, &mut packed);
        Self {
            width,
            packed,
            factors: seeded::elements(5, values.len()),
            words: Words {
                added: vec![0; values.len()],
                unmasked: vec![0; values.len()],
                residual: 0,
                sums: Vec::new(),
                values,
            },
            masks: MaskPolynomials::derive(&seeded::key(2)),
            rows: ProjectionRows::new(seeded::key(3)),
            key: seeded::key_share(4).to_evaluation(),
        }
    }

    fn unmask(&mut self, backend: &dyn DeviceBackend) -> Result<(), Box<dyn Error>> {
        let job =
            Unmasking { masks: &self.masks, first: 0, key_sum: &self.key, width: self.width, scale_log2: 31 };
        self.words.residual = backend.unmask(&job, &self.words.added, &mut self.words.unmasked)?;
        Ok(())
    }

    fn fold(&mut self, backend: &dyn DeviceBackend) -> Result<(), Box<dyn Error>> {
        let challenges = [Fq::new(3), Fq::new(5)];
        let job = RowFolding { rows: &self.rows, masks: &self.masks, challenges, width: self.width };
        let mut folds = [RowFold::zero(), RowFold::zero()];
        backend.fold_rows(&job, 0, self.words.values.len() / RING_DEGREE, Some(&self.packed), &mut folds)?;
        for fold in &folds {
            self.words.sums.push(fold.inner.value());
            self.words.sums.extend(fold.adjoint.values());
        }
        Ok(())
    }
}
