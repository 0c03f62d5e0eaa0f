//! Bulk operations of [`lattice`]'s backends as CUDA kernels.
#![doc = include_str!("../README.md")]

pub mod arguments;
pub mod backend;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod device;
mod device_backend;
pub mod fallback;
pub mod fold_rows;
pub mod kernels;
mod options;
pub mod self_test;
pub mod shapes;

mod add_packed;
mod add_partial_sums;
mod adjoint_accumulate;
mod forward;
mod inner_product;
mod inverse;
mod operation;
mod pipeline;
mod tables;
mod unmask;

pub use backend::KernelBackend;
pub use device_backend::DeviceBackend;
pub use fallback::Fallback;
pub use options::Options;
