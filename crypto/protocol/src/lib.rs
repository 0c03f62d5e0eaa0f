//! The protocol: what the parties say to each other, and the rules by which each decides.
//!
//! Bytes in, bytes and decisions out: no clock, no socket, no storage, no global randomness. The formats are those of
//! `docs/wire-formats.md`, a module for each; [`roles`] holds what the client, the aggregator and a combiner do with
//! them. A decision against a message is a [`Refusal`], which names the rule that was broken.

#![forbid(unsafe_code)]

pub mod attestation;
pub mod body;
pub mod codec;
pub mod contribution;
pub mod credential;
pub mod document;
pub mod identity;
pub mod payout;
pub mod receipt;
pub mod refusal;
pub mod release;
pub mod result;
pub mod roles;
pub mod signed;

pub use attestation::Attestation;
pub use body::BodyDigester;
pub use codec::{Canonical, DecodeError};
pub use contribution::{ContributionHeader, MessagePrefix, SealedSeeds};
pub use credential::Credential;
pub use document::{Holder, Proof, RoundDocument, Tensor};
pub use identity::{IdentityKey, Signature};
pub use payout::{Asset, ClaimAddress, NotAnAsset, PayoutTerms, Token};
pub use receipt::Receipt;
pub use refusal::Refusal;
pub use release::{ReleaseAnswer, ReleaseRequest, check_member, set_root};
pub use result::RoundResult;
pub use roles::round::{Pins, SignedDocument, VerifiedRound};
pub use signed::Signed;
