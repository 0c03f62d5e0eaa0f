//! What happens to an update between a client and the published sum: the constants of a round, quantising,
//! masking, adding, unmasking.
//!
//! | step | who | item |
//! |---|---|---|
//! | derive the constants, refuse a request that has none | everyone | [`RoundConstants::derive`] |
//! | clip and round to integers | client | [`quantise()`] |
//! | b = a·s + e + Δ·x, rounded and packed | client | [`Masker`] |
//! | add packed contributions | aggregator | [`ChunkSum`] |
//! | remove the masks, round to the sum | aggregator, auditor | [`unmask_chunk`] |
//! | divide by scale and weight | anyone | [`mean`] |
//!
//! Vectors are processed by chunks of 512 blocks, so memory does not grow with the dimension.

#![doc = include_str!("../docs/parameters.md")]
#![forbid(unsafe_code)]

pub mod constants;
mod error;
pub mod mask;
pub mod quantise;
pub mod sum;
pub mod unmask;

pub use constants::{ConstantsError, RoundConstants, RoundRequest};
pub use error::MaskingError;
pub use mask::Masker;
pub use quantise::{QuantiseError, Quantised, quantise};
pub use sum::ChunkSum;
pub use unmask::{UnmaskedChunk, mean, unmask_chunk};
