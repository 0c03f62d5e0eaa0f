//! Times a norm proof on one thread, for 2¹⁶ and 2²⁰ coordinates. The steps whose cost grows with
//! the dimension are also timed alone.

#![allow(missing_docs)]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use curve25519_dalek::Scalar;
use lattice::{CpuBackend, MaskPolynomials, RING_DEGREE, SmallPoly, Width, pack};
use norm_proof::{
    Folding, GroupEquations, NormProof, Parameters, Projecting, PublicValues, Statement, Verifying,
};
use rand::rngs::OsRng;
use sharing::{KeyShare, ShareSeed};

/// Blocks that the verifier reads in one call.
const READ_BLOCKS: usize = 128;
/// Proofs whose group equations are checked together.
const BATCH: usize = 16;

/// A contribution with φ = 0, up to rounding. Its proof costs as much as any other.
struct Contribution {
    statement: Statement,
    key: SmallPoly,
    blinding: Scalar,
    phi: Vec<i64>,
    body: Vec<u8>,
}

impl Contribution {
    fn new(dimension: usize) -> Self {
        let width = Width::from_transport_bits(22).expect("a width");
        let (round_hash, client_key) = ([1; 32].into(), [2; 32].into());
        let shares: Vec<_> = (0..2)
            .map(|holder| {
                KeyShare::derive(&ShareSeed::generate(&mut OsRng), &round_hash, &client_key, holder)
            })
            .collect();
        let blocks = dimension / RING_DEGREE;
        let statement = Statement::new(PublicValues {
            parameters: Parameters::new(blocks as u64, width, 1 << 49, 2).expect("a round"),
            masks: MaskPolynomials::derive(&[3; 32].into()),
            round_hash,
            client_key,
            weight: 1,
            body_digest: [4; 32].into(),
            commitments: shares.iter().map(KeyShare::commit).collect(),
            sealed_digest: [5; 32].into(),
        })
        .expect("a commitment for each holder");
        let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
        let (phi, body) = masked(&statement.masks, &key, width, dimension);
        let blinding = shares.iter().map(KeyShare::blinding).sum();
        Self { statement, key, blinding, phi, body }
    }

    fn projecting(&self) -> Projecting {
        let key = SmallPoly::from_coefficients(self.key.coefficients()).expect("N coefficients");
        Projecting::begin(self.statement.clone(), key, self.blinding)
    }

    fn projected(&self) -> Projecting {
        let mut prover = self.projecting();
        prover.project(&CpuBackend::new(), &self.phi).expect("whole blocks");
        prover
    }

    fn folded(&self, prover: Projecting) -> Folding {
        let mut prover = prover.commit(&mut OsRng).expect("within the bound");
        prover.fold(&CpuBackend::new(), self.phi.len() / RING_DEGREE).expect("whole blocks");
        prover
    }

    fn prove(&self) -> NormProof {
        self.folded(self.projected()).finish().expect("complete")
    }

    fn equations(&self, proof: &NormProof) -> GroupEquations {
        let mut verifier = Verifying::begin(self.statement.clone(), proof.clone());
        for packed in self.body.chunks(self.statement.parameters.width().bytes(READ_BLOCKS * RING_DEGREE)) {
            verifier.read(&CpuBackend::new(), packed).expect("whole blocks");
        }
        verifier.finish(&mut OsRng).expect("an honest proof")
    }
}

/// φ and the body of b = round(a·s).
fn masked(masks: &MaskPolynomials, key: &SmallPoly, width: Width, dimension: usize) -> (Vec<i64>, Vec<u8>) {
    use lattice::{MaskingBackend, field};

    let tau = width.transport_bits();
    let mut products = vec![0; dimension];
    CpuBackend::new().mask_product(masks, 0, &key.to_evaluation(), &mut products).expect("whole blocks");
    let words: Vec<u64> = products.iter().map(|&product| (product + (1 << (tau - 1))) >> tau).collect();
    let mut body = vec![0; width.bytes(dimension)];
    pack::pack(width, &words, &mut body);
    let phi =
        words.iter().zip(&products).map(|(&word, &product)| field::centre(field::sub(word << tau, product)));
    (phi.collect(), body)
}

fn proofs(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first use of the global pool");
    for (name, dimension) in [("2^16", 1 << 16), ("2^20", 1 << 20)] {
        let contribution = Contribution::new(dimension);
        let proof = contribution.prove();
        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("prove", |b| b.iter(|| contribution.prove()));
        group.bench_function("prove: project", |b| b.iter(|| contribution.projected()));
        group.bench_function("prove: commit and fold", |b| {
            b.iter_batched(|| contribution.projected(), |p| contribution.folded(p), BatchSize::LargeInput);
        });
        group.bench_function("verify", |b| {
            b.iter(|| contribution.equations(&proof).verify(&mut OsRng).expect("an honest proof"));
        });
        group.bench_function("verify: all but the group equations", |b| {
            b.iter(|| contribution.equations(&proof));
        });
        let batch: Vec<_> = (0..BATCH).map(|_| contribution.equations(&proof)).collect();
        group.bench_function("verify: group equations of sixteen", |b| {
            b.iter(|| assert!(GroupEquations::verify_batch(&batch, &mut OsRng).iter().all(Result::is_ok)));
        });
        let wrong = Contribution { blinding: contribution.blinding + Scalar::ONE, ..contribution };
        let mut batch = batch;
        batch[BATCH / 2] = wrong.equations(&wrong.prove());
        group.bench_function("verify: group equations of sixteen, one of them wrong", |b| {
            b.iter(|| {
                let verdicts = GroupEquations::verify_batch(&batch, &mut OsRng);
                assert_eq!(verdicts.iter().filter(|verdict| verdict.is_err()).count(), 1);
            });
        });
        group.finish();
    }
}

criterion_group!(benches, proofs);
criterion_main!(benches);
