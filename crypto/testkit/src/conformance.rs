//! The checks that every backend must pass: each operation against its definition, bit for bit, and
//! every misuse refused.
//!
//! The expected values are computed here with scalar arithmetic on single polynomials, or another
//! program computed them. They never come from another backend.

mod folding;
mod inputs;
mod masking;
mod rows;
mod summing;
mod transform;
mod vectors;

use lattice::{Backend, MaskingBackend, SummingBackend, TransformBackend};

/// Runs every check of the operations that a device does.
///
/// # Panics
/// When the backend departs from the definition of an operation.
pub fn check_device(backend: &(impl SummingBackend + TransformBackend)) {
    named(backend);
    transform::check(backend);
    summing::check(backend);
    folding::check(backend);
}

/// Runs every check of the operations that only clients call.
///
/// # Panics
/// When the backend departs from the definition of an operation.
pub fn check_masking(backend: &dyn MaskingBackend) {
    named(backend);
    masking::check(backend);
}

fn named(backend: &dyn Backend) {
    assert!(!backend.name().is_empty());
}
