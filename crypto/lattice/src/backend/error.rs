//! The error of a bulk operation.

use std::error::Error;

/// Why a bulk operation was refused or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// A slice does not hold a whole number of blocks.
    #[error("{length} values are not a whole number of blocks of {block}")]
    PartialBlock {
        /// Values in the slice.
        length: usize,
        /// N.
        block: usize,
    },
    /// The lengths of two slices do not agree.
    #[error("expected a slice of length {expected}, not {length}")]
    Length {
        /// The slice's length.
        length: usize,
        /// The length that the other arguments require.
        expected: usize,
    },
    /// The scale is too small or too large for rounding.
    #[error("scale 2^{scale_log2} is outside 2^1 to 2^62")]
    Scale {
        /// δ.
        scale_log2: u32,
    },
    /// A body holds a word v with v·2^τ ≥ q.
    #[error("body {body} holds a word beyond the modulus")]
    NonCanonical {
        /// Its position in the list of bodies.
        body: usize,
    },
    /// The device failed.
    #[error("the {backend} device failed")]
    Device {
        /// Name of the device's backend.
        backend: &'static str,
        /// The error that the device's driver reported.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
