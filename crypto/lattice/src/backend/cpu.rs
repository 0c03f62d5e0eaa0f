//! The reference backend. It uses processor cores, through the rayon pool of the calling thread.

mod folding;
mod mask_product;
mod masking;
mod products;
mod project;
mod summing;
mod transform;

use pulp::Arch;

use super::named::Backend;

/// The backend that computes on the processor.
#[derive(Clone, Copy, Debug)]
pub struct CpuBackend {
    arch: Arch,
}

impl CpuBackend {
    /// The backend with the widest vector instructions of this processor.
    pub fn new() -> Self {
        Self { arch: Arch::new() }
    }

    /// The backend with portable code only. Tests compare the other backends with it.
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
