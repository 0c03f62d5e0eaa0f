//! The reference backend: processor cores, on the rayon pool of the calling thread.

mod folding;
mod mask_product;
mod masking;
mod products;
mod project;
mod summing;
mod transform;

use pulp::Arch;

use super::named::Backend;

/// Computes on the processor.
#[derive(Clone, Copy, Debug)]
pub struct CpuBackend {
    arch: Arch,
}

impl CpuBackend {
    /// The backend with the widest vector instructions of this processor.
    pub fn new() -> Self {
        Self { arch: Arch::new() }
    }

    /// The backend without vector instructions of its own: what others are compared with.
    pub fn portable() -> Self {
        Self { arch: Arch::Scalar }
    }
}

impl Default for CpuBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        "cpu"
    }
}
