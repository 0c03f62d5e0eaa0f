//! The operations that touch every coordinate of a round, on whole runs of blocks.
//!
//! A backend works on seeds where it can: mask polynomials are expanded inside an operation and
//! never stored for a whole vector. Every backend gives bit for bit the same results; `testkit`
//! checks it. Unless an operation says otherwise, a slice holds a whole number of blocks of N
//! canonical values.
//!
//! There is a trait for each kind of caller, so that a bound says what its holder can do:
//!
//! | trait | who calls it | operations |
//! |---|---|---|
//! | [`FoldingBackend`] | who proves a norm and who verifies it | `fold_rows` |
//! | [`MaskingBackend`] | the client | `mask_product`, `project`; it folds too |
//! | [`SummingBackend`] | the aggregator and the auditor | `add_packed`, `unmask`; it folds too |
//! | [`TransformBackend`] | encrypted scoring | `forward`, `inverse`, `inner_product`, `adjoint_accumulate` |
//!
//! Devices implement the traits without secrets: all but [`MaskingBackend`], which the processor
//! alone implements.

pub mod checks;
pub mod cpu;
mod error;
mod folding;
mod masking;
mod named;
mod summing;
mod transform;

pub use error::BackendError;
pub use folding::{FoldingBackend, RowFold, RowFolding};
pub use masking::MaskingBackend;
pub use named::Backend;
pub use summing::{SummingBackend, Unmasking};
pub use transform::TransformBackend;
