//! The names that the other crates share: domain-separation labels and the hash that they prefix,
//! and the identifiers, digests and public keys of messages, tables and paths.
//!
//! Each identifier has a type of its own, so that the compiler refuses one in the place of another.
//! Both arguments below are 32 bytes, but their types differ:
//!
//! ```
//! use names::{HeaderHash, RoundHash};
//!
//! fn attest(round: RoundHash, header: HeaderHash) {}
//!
//! attest(RoundHash::from_bytes([1; 32]), HeaderHash::from_bytes([2; 32]));
//! ```
//!
//! The same call with its arguments swapped does not compile:
//!
//! ```compile_fail,E0308
//! use names::{HeaderHash, RoundHash};
//!
//! fn attest(round: RoundHash, header: HeaderHash) {}
//!
//! attest(HeaderHash::from_bytes([2; 32]), RoundHash::from_bytes([1; 32]));
//! ```
//!
//! [`name!`] defines types for public data. [`secret!`] defines types for secret keys and seeds;
//! each crate defines the secrets that it uses.

#![forbid(unsafe_code)]

mod hexadecimal;
mod ids;
pub mod labels;
mod name;
mod secret;
mod subject;

pub use hexadecimal::{NotHex, decode_hex};
pub use ids::{
    BodyDigest, ChunkDigest, ContributionId, EncodedCommitment, HeaderHash, LayoutDigest, MaskSeed,
    ModelDigest, ProofDigest, PublicKey, RoundHash, RoundId, RoundKeyId, RoundPublicKey, SealedDigest,
    SetRoot, SumDigest, TreeHash, UpdateDigest,
};
pub use name::Name;
pub use secret::SecretKey;
pub use subject::{NotASubject, Subject};

#[doc(hidden)]
pub use hex;
#[doc(hidden)]
pub use rand;
#[cfg(feature = "serde")]
#[doc(hidden)]
pub use serde;
#[doc(hidden)]
pub use zeroize;
