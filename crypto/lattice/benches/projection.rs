//! Times the projection of 2¹⁶ and 2²⁰ coordinates and the folding of the rows, on one core. The
//! expansion of the rows is also timed alone.

#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lattice::expand::{PublicStream, Purpose};
use lattice::{
    CpuBackend, FoldingBackend, Fq, MaskPolynomials, MaskingBackend, ProjectionRows, RING_DEGREE, RowFold,
    RowFolding, Width, pack,
};
use rayon::ThreadPoolBuilder;

const DIMENSIONS: [usize; 2] = [1 << 16, 1 << 20];

/// Words of the stream for one coordinate.
const COLUMN_WORDS: usize = 8;

fn projection(criterion: &mut Criterion) {
    ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first use of the global pool");
    let backend = CpuBackend::new();
    let rows = ProjectionRows::new([1; 32].into());
    let masks = MaskPolynomials::derive(&[2; 32].into());
    let width = Width::from_transport_bits(22).expect("1 to 32 bits");
    let challenges = [Fq::new(0x0123_4567_89ab_cdef), Fq::new(0xfedc_ba98_7654_3210)];
    let job = RowFolding { rows: &rows, masks: &masks, challenges, width };

    for dimension in DIMENSIONS {
        let mut group = criterion.benchmark_group("projection");
        group.throughput(Throughput::Elements(dimension as u64));

        let mut words = vec![0; RING_DEGREE * COLUMN_WORDS];
        group.bench_function(BenchmarkId::new("stream of another crate", dimension), |b| {
            b.iter(|| {
                for index in 0..(dimension / RING_DEGREE) as u64 {
                    PublicStream::new(rows.stream_key(), index, Purpose::PROJECTION).fill(&mut words);
                }
            });
        });

        let values: Vec<i64> = (0..dimension as i64).map(|k| (k % 511 - 255) << 40).collect();
        let mut sums = [0; ProjectionRows::COUNT];
        group.bench_function(BenchmarkId::new("project", dimension), |b| {
            b.iter(|| backend.project(&rows, 0, &values, &mut sums));
        });

        let words: Vec<u64> = (0..dimension as u64).map(|k| k * k % width.max_word()).collect();
        let mut packed = vec![0; width.bytes(dimension)];
        pack::pack(width, &words, &mut packed);
        let mut folds = [RowFold::zero(), RowFold::zero()];
        group.bench_function(BenchmarkId::new("fold_rows", dimension), |b| {
            b.iter(|| backend.fold_rows(&job, 0, dimension / RING_DEGREE, Some(&packed), &mut folds));
        });
    }
}

criterion_group!(benches, projection);
criterion_main!(benches);
