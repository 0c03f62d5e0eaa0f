//! The operations whose cost grows with the dimension, on many blocks at a time.
//!
//! Where it can, a backend works from seeds: an operation expands the mask polynomials that it
//! needs, and never stores those of a whole vector. All backends give the same results, bit for
//! bit; `testkit` checks this. Unless an operation states otherwise, a slice holds a whole number
//! of blocks of N canonical values.
//!
//! Each kind of caller has its own trait, so that a trait bound shows which operations the code may
//! use:
//!
//! | trait | caller | operations |
//! |---|---|---|
//! | [`FoldingBackend`] | the prover and the verifier of a norm | `fold_rows` |
//! | [`MaskingBackend`] | the client | `mask_product`, `project`, and folding |
//! | [`SummingBackend`] | the aggregator and the auditor | `add_packed`, `unmask`, and folding |
//! | [`TransformBackend`] | encrypted scoring | `forward`, `inverse`, `inner_product`, `adjoint_accumulate` |
//!
//! A device implements every trait except [`MaskingBackend`]. The arguments of that trait are
//! secret, so only the processor implements it.

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
