//! Every backend of this crate gives the results that the operations' definitions demand.

use lattice::{Backend, CpuBackend};
use rayon::ThreadPoolBuilder;
use testkit::conformance::check_backend;
use testkit::seeded;

#[test]
fn vector_instructions_conform() {
    check_backend(&CpuBackend::new());
}

#[test]
fn portable_code_conforms() {
    check_backend(&CpuBackend::portable());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let blocks = seeded::elements(1, 40 * lattice::RING_DEGREE);
    let masks = lattice::MaskPolynomials::derive(&seeded::key(2));
    let sum = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut sum = lattice::Poly::zero();
        pool.install(|| CpuBackend::new().adjoint_accumulate(&masks, 0, &blocks, &mut sum)).unwrap();
        sum.values().to_vec()
    };
    assert_eq!(sum(1), sum(3));
}
