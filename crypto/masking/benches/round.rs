//! Masking, adding and unmasking 2²⁰ coordinates on one core.

#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use lattice::{CpuBackend, SmallPoly, SummingBackend, sample};
use masking::{ChunkSum, Masker, RoundConstants, RoundRequest, quantise, unmask_chunk};
use names::MaskSeed;
use rayon::ThreadPoolBuilder;

const DIMENSION: usize = 1 << 20;
/// Bodies that one call adds in the second of the two addition benchmarks.
const BODIES: usize = 16;
const MASK_SEED: MaskSeed = MaskSeed::from_bytes([1; 32]);

fn constants() -> RoundConstants {
    let request = RoundRequest::unweighted(DIMENSION as u64, 4096, 1 << 18, 1.0);
    RoundConstants::derive(&request).expect("the example round exists")
}

fn key() -> SmallPoly {
    SmallPoly::sum([2, 3].map(|seed| sample::key_share(&[seed; 32].into())).iter())
}

fn round(criterion: &mut Criterion) {
    ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first use of the global pool");
    let constants = constants();
    let backend = CpuBackend::new();
    let values: Vec<i32> = (0..DIMENSION as i32).map(|k| k % 511 - 255).collect();
    let update: Vec<f32> = values.iter().map(|&v| v as f32 / 1e6).collect();
    let key = key();

    criterion.bench_function("quantise", |b| b.iter(|| quantise(&update, 1, &constants, [5; 32].into())));

    let mut packed = Vec::with_capacity(constants.chunk_bytes(0));
    let mut mask = || {
        packed.clear();
        let mut masker = Masker::new(&backend, &constants, &MASK_SEED, &key, [4; 32].into());
        masker.mask_chunk(0, &values, &mut packed).expect("a valid chunk");
    };
    mask();
    criterion.bench_function("mask", |b| b.iter(&mut mask));

    let mut words = vec![0; DIMENSION];
    for count in [1, BODIES] {
        let bodies = vec![packed.as_slice(); count];
        criterion.bench_function(&format!("add {count}"), |b| {
            b.iter(|| backend.add_packed(&mut words, constants.width(), &bodies));
        });
    }

    let key_sum: Vec<i64> = key.coefficients().iter().map(|&c| i64::from(c)).collect();
    let sum = ChunkSum::new(&constants, 0).expect("chunk 0 exists");
    let sum = sum.add(&backend, &constants, &[&packed]).expect("a valid body");
    criterion.bench_function("unmask", |b| {
        b.iter(|| unmask_chunk(&backend, &constants, &MASK_SEED, &key_sum, &sum));
    });
}

criterion_group!(benches, round);
criterion_main!(benches);
