//! Arithmetic in F_q and in R_q = Z_q\[X\]/(X^2048 + 1) with q = 2⁶⁴ − 2³² + 1.
//!
//! The crate also expands seeds into uniform polynomials, keys and errors, and packs rounded words.
//! A [`backend`] runs these operations on many blocks at a time.
//!
//! A *block* is one polynomial: [`RING_DEGREE`] canonical `u64` representatives. A long vector is a
//! slice of consecutive blocks. Every function is pure: it uses no clock, no socket and no global
//! randomness.

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
