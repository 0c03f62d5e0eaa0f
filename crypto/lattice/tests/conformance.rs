//! Every backend of this crate gives the results that the definitions of the operations require.

use lattice::{
    CpuBackend, FoldingBackend, Fq, MaskingBackend, ProjectionRows, RowFold, RowFolding, TransformBackend,
    Width,
};
use rayon::ThreadPoolBuilder;
use testkit::conformance::{check_device, check_masking};
use testkit::seeded;

#[test]
fn vector_instructions_conform() {
    check_device(&CpuBackend::new());
    check_masking(&CpuBackend::new());
}

#[test]
fn portable_code_conforms() {
    check_device(&CpuBackend::portable());
    check_masking(&CpuBackend::portable());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let blocks = seeded::elements(1, 40 * lattice::RING_DEGREE);
    let masks = lattice::MaskPolynomials::derive(&seeded::key(2));
    let rows = ProjectionRows::new(seeded::key(3));
    let width = Width::from_transport_bits(32).unwrap();
    let job = RowFolding { rows: &rows, masks: &masks, challenges: [Fq::new(blocks[0]), Fq::new(5)], width };
    let packed = vec![0x5a; width.bytes(blocks.len())];
    let values: Vec<i64> = blocks.iter().map(|&value| value as i64).collect();
    let results = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (backend, mut sum) = (CpuBackend::new(), lattice::Poly::zero());
            backend.adjoint_accumulate(&masks, 0, &blocks, &mut sum).unwrap();
            let mut sums = [0; ProjectionRows::COUNT];
            backend.project(&rows, 0, &values, &mut sums).unwrap();
            let mut folds = [RowFold::zero(), RowFold::zero()];
            backend.fold_rows(&job, 0, 40, Some(&packed), &mut folds).unwrap();
            let folds = folds.map(|fold| (fold.inner, fold.adjoint.values().to_vec()));
            (sum.values().to_vec(), sums, folds)
        })
    };
    assert_eq!(results(1), results(3));
}
