#![doc = include_str!("../docs/sharing.md")]
#![forbid(unsafe_code)]

mod bisection;
mod check;
mod commitment;
mod error;
pub mod generators;
mod opening;
mod seal;
mod share;
#[cfg(test)]
mod test_shares;

pub use bisection::bisect;
pub use check::{check, check_batch};
pub use commitment::Commitment;
pub use error::SharingError;
pub use opening::ShareSum;
pub use seal::{RoundKeyPair, RoundPrivateKey, SealContext, SealedSeed, open, seal};
pub use share::{KeyShare, ShareSeed};
