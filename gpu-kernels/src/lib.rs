//! The bulk operations of [`lattice::Backend`] as CUDA kernels.
#![doc = include_str!("../README.md")]

pub mod backend;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod device;
pub mod fallback;
pub mod self_test;

mod add_packed;
mod adjoint;
mod checks;
mod fold_rows;
mod inner_product;
mod masking;
mod multiply_accumulate;
mod pipeline;
mod project;
mod tables;
mod transform;

pub use backend::{KernelBackend, Options};
pub use fallback::Fallback;
