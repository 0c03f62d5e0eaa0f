#![doc = include_str!("../docs/sharing.md")]
#![forbid(unsafe_code)]

mod bisection;
mod check;
mod commitment;
mod error;
pub mod generators;
mod hybrid;
mod opening;
mod round_key;
mod seal;
mod share;
mod small_order;
#[cfg(test)]
mod test_shares;
#[cfg(test)]
mod test_vectors;

pub use bisection::bisect;
pub use check::{check, check_batch};
pub use commitment::Commitment;
pub use error::SharingError;
pub use opening::ShareSum;
pub use round_key::{RoundKeyPair, RoundPrivateKey, check_public_key};
pub use seal::{SealContext, SealRandomness, SealedSeed, open, seal};
pub use share::{KeyShare, ShareSeed};
