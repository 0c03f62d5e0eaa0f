//! Measurements as one JSON object on standard output: kernels alone against what the card can do, and whole operations with
//! their copies against the processor of the same machine.

use std::error::Error;
use std::time::Instant;

use gpu_kernels::device::Kernel;
use gpu_kernels::{Options, cuda};
use lattice::{
    Backend, CpuBackend, Fq, MaskPolynomials, Poly, ProjectionRows, RING_DEGREE, RowFold, RowFolding,
    Unmasking, Width, pack,
};
use testkit::seeded;

use crate::{Scale, resident};

/// Repetitions of an operation with copies; the fastest counts.
const REPETITIONS: usize = 5;

/// Prints the measurements.
///
/// # Errors
/// When there is no card or it fails.
pub(crate) fn run(scale: &Scale) -> Result<(), Box<dyn Error>> {
    let (card, description) = cuda::backend(&Options::default())?;
    let kernels = resident::measure(scale)?;
    let memory_limit = kernels.copy_bytes_per_second / (16 * RING_DEGREE) as f64;
    let limit = |kernel| memory_limit.min(kernels.alu_per_second / alu_operations(kernel));
    let (forward_limit, inverse_limit) = (limit(Kernel::ForwardBlocks), limit(Kernel::InverseBlocks));
    let rows = [
        ("copy_bytes_per_second", kernels.copy_bytes_per_second),
        ("alu_per_second", kernels.alu_per_second),
        ("multiplies_per_second", kernels.multiplies_per_second),
        ("forward_per_second", kernels.forward_per_second),
        ("forward_limit_per_second", forward_limit),
        ("forward_of_limit", kernels.forward_per_second / forward_limit),
        ("inverse_per_second", kernels.inverse_per_second),
        ("inverse_limit_per_second", inverse_limit),
        ("inverse_of_limit", kernels.inverse_per_second / inverse_limit),
        ("add_packed_bytes_per_second", kernels.add_packed_bytes_per_second),
        ("add_packed_of_limit", kernels.add_packed_bytes_per_second / kernels.copy_bytes_per_second),
        ("unmask_seconds", kernels.unmask_seconds),
        ("fold_rows_seconds", kernels.fold_rows_seconds),
        ("project_seconds", kernels.project_seconds),
    ];
    println!("{{");
    println!("  \"card\": {description:?},");
    println!("  \"scale\": {:?},", scale.name);
    for (name, value) in rows {
        println!("  \"{name}\": {value:.6e},");
    }
    println!("  \"cuda_with_copies\": {},", operations(&card, scale)?);
    println!("  \"cpu\": {}", operations(&CpuBackend::new(), scale)?);
    println!("}}");
    Ok(())
}

/// Instructions for the pipe of additions and logic that a block of 256 threads has, as the compiler's machine code has them, for
/// a kernel without a loop.
fn alu_operations(kernel: Kernel) -> f64 {
    let table = include_str!("../../prebuilt/resources.tsv");
    let row = table
        .lines()
        .find(|line| line.split('\t').next() == Some(kernel.name()))
        .expect("every kernel has a row");
    256.0
        * row.split('\t').nth(6).and_then(|count| count.parse::<f64>().ok()).expect("a count of instructions")
}

/// Seconds of each operation on a chunk, as a JSON object.
fn operations(backend: &dyn Backend, scale: &Scale) -> Result<String, Box<dyn Error>> {
    let mut input = Input::new(scale.chunk);
    let named: [(&str, Box<Operation<'_>>); 4] = [
        ("forward_seconds", Box::new(|input| Ok(backend.forward(&mut input.values)?))),
        (
            "add_packed_16_seconds",
            Box::new(|input| {
                let ciphertexts = [input.packed.as_slice(); 16];
                Ok(backend.add_packed(&mut input.sums, input.width, &ciphertexts)?)
            }),
        ),
        ("unmask_seconds", Box::new(|input| input.unmask(backend))),
        ("fold_rows_seconds", Box::new(|input| input.fold(backend))),
    ];
    let mut fields = Vec::new();
    for (name, operation) in named {
        fields.push(format!("\"{name}\": {:.6e}", fastest(&mut input, &operation)?));
    }
    Ok(format!("{{ {} }}", fields.join(", ")))
}

type Operation<'a> = dyn Fn(&mut Input) -> Result<(), Box<dyn Error>> + 'a;

fn fastest(input: &mut Input, operation: &Operation<'_>) -> Result<f64, Box<dyn Error>> {
    let mut least = f64::INFINITY;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        operation(input)?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// A chunk of everything that an aggregator handles.
struct Input {
    width: Width,
    values: Vec<u64>,
    sums: Vec<u64>,
    packed: Vec<u8>,
    unmasked: Vec<i64>,
    masks: MaskPolynomials,
    rows: ProjectionRows,
    key: Poly<lattice::Evaluation>,
}

impl Input {
    fn new(chunk: usize) -> Self {
        let width = Width::from_transport_bits(20).expect("1 to 32 bits");
        let values = seeded::elements(1, chunk * RING_DEGREE);
        let words: Vec<u64> = values.iter().map(|value| value >> width.transport_bits()).collect();
        let mut packed = vec![0; width.bytes(words.len())];
        pack::pack(width, &words, &mut packed);
        let (sums, unmasked) = (vec![0; words.len()], vec![0; words.len()]);
        let (masks, rows) = (MaskPolynomials::derive(&seeded::key(2)), ProjectionRows::new(seeded::key(3)));
        Self { width, values, sums, packed, unmasked, masks, rows, key: seeded::key_share(4).to_evaluation() }
    }

    fn unmask(&mut self, backend: &dyn Backend) -> Result<(), Box<dyn Error>> {
        let job =
            Unmasking { masks: &self.masks, first: 0, key_sum: &self.key, width: self.width, scale_log2: 31 };
        backend.unmask(&job, &self.sums, &mut self.unmasked)?;
        Ok(())
    }

    fn fold(&mut self, backend: &dyn Backend) -> Result<(), Box<dyn Error>> {
        let challenges = [Fq::new(3), Fq::new(5)];
        let job = RowFolding { rows: &self.rows, masks: &self.masks, challenges, width: self.width };
        let mut folds = [RowFold::zero(), RowFold::zero()];
        backend.fold_rows(&job, 0, self.values.len() / RING_DEGREE, Some(&self.packed), &mut folds)?;
        Ok(())
    }
}
