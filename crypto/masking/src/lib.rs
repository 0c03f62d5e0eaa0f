//! The arithmetic between a client's update and the published sum: deriving the constants of a
//! round, quantising, masking, adding and unmasking.
//!
//! | step | party | item |
//! |---|---|---|
//! | derive the constants, or refuse the request | everyone | [`RoundConstants::derive`] |
//! | clip and round to integers | client | [`quantise()`] |
//! | b = a·s + e + Δ·x, rounded and packed | client | [`Masker`] |
//! | add packed contributions | aggregator | [`ChunkSum`] |
//! | remove the masks, round to the sum | aggregator, auditor | [`unmask_chunk`] |
//! | divide by scale and weight | anyone | [`mean`] |
//!
//! Masking, adding and unmasking work on one chunk of 512 blocks at a time, so their memory does
//! not grow with the dimension.

#![doc = include_str!("../docs/parameters.md")]
#![forbid(unsafe_code)]

pub mod constants;
mod error;
pub mod mask;
pub mod quantise;
pub mod sum;
pub mod unmask;

pub use constants::{ConstantsError, Remedy, RoundConstants, RoundRequest};
pub use error::MaskingError;
pub use mask::Masker;
pub use quantise::{QuantiseError, Quantised, quantise};
pub use sum::ChunkSum;
pub use unmask::{UnmaskedChunk, mean, unmask_chunk};
