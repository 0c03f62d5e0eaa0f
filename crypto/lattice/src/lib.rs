//! Arithmetic in F_q and R_q = Z_q\[X\]/(X^2048 + 1) with q = 2⁶⁴ − 2³² + 1, the expansion of seeds
//! into uniform polynomials, keys and errors, the packing of rounded words, and the [`backend`]s
//! that run all of it on whole runs of blocks.
//!
//! A *block* is one polynomial: [`RING_DEGREE`] canonical `u64` representatives. Long vectors are
//! slices of consecutive blocks. Everything here is a pure function of its arguments: no clock, no
//! sockets, no global randomness.

#![forbid(unsafe_code)]

pub mod backend;
pub mod block;
pub mod expand;
pub mod field;
mod ntt;
pub mod pack;
pub mod poly;
pub mod sample;

pub use backend::cpu::CpuBackend;
pub use backend::{
    Backend, BackendError, FoldingBackend, MaskingBackend, RowFold, RowFolding, SummingBackend,
    TransformBackend, Unmasking,
};
pub use block::{CHUNK_BLOCKS, CHUNK_COEFFICIENTS, RING_DEGREE};
pub use expand::{MaskPolynomials, ProjectionRows};
pub use field::{Fq, MODULUS};
pub use pack::Width;
pub use poly::{Coefficient, Evaluation, Poly, SmallPoly};
