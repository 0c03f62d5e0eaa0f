//! The protocol: the messages between the parties, and the rules by which each party decides.
//!
//! Bytes go in, bytes and decisions come out. There is no clock, no socket, no storage and no
//! global randomness. `docs/wire-formats.md` describes the formats, and each has a module here.
//! [`roles`] holds the steps of the client, the aggregator and a combiner. A party that turns a
//! message away says why with a [`Refusal`], which names the broken rule.

#![forbid(unsafe_code)]

mod attestation;
mod body;
mod codec;
mod contribution;
mod credential;
mod document;
mod epoch;
mod hedged;
mod holder;
mod identity;
mod layout;
mod payout;
mod receipt;
mod refusal;
mod release;
mod result;
pub mod roles;
mod section;
mod signed;
mod signed_refusal;
mod unreleased;

pub use attestation::Attestation;
pub use body::{BodyDigester, BodyDigests, SumDigester, chunk_digest};
pub use codec::{Canonical, DecodeError, Reader, Writer};
pub use contribution::{
    ContributionHeader, MAX_HEADER_BYTES, MAX_PROOF_BYTES, MessagePrefix, PrefixLength, SealedSeeds,
    proof_digest,
};
pub use credential::Credential;
pub use document::{Proof, RoundDocument};
pub use epoch::EpochStatement;
pub use holder::{Holder, Tolerance};
pub use identity::{IdentityKey, Signature};
pub use layout::Tensor;
pub use payout::{Asset, ClaimAddress, NotAnAsset, PayoutTerms, Token};
pub use receipt::Receipt;
pub use refusal::Refusal;
pub use release::{ReleaseAnswer, ReleaseRequest, check_member, set_root};
pub use result::RoundResult;
pub use roles::round::{Pins, SignedDocument, VerifiedRound};
pub use section::Section;
pub use signed::Signed;
pub use signed_refusal::{RefusedFor, SignedRefusal};
pub use unreleased::{Unreleased, check_unreleased};
