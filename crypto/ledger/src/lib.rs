//! The record: a log that can only grow, the money that contributions earn, and the reputation of
//! participants. There is no I/O. A plan names the nodes that it needs, and the caller loads them.
//!
//! - **Trees.** The Merkle trees of RFC 9162 §2.1 over SHA-256. A leaf is `SHA256(0x00 ‖ data)`, a
//!   node `SHA256(0x01 ‖ left ‖ right)`. The left subtree of *n* leaves holds the largest power of
//!   two smaller than *n*. The tree of no leaves is `SHA256("")`. [`root`], [`prove`] and
//!   [`verify`] work on a list of leaves.
//! - **Log.** [`Frontier`] appends to a tree of any size, in memory logarithmic in it, and names
//!   the nodes to store. [`InclusionPlan`] and [`ConsistencyPlan`] name the nodes that a proof
//!   needs. [`verify_inclusion`] and [`verify_consistency`] check the proof. A [`Checkpoint`] is
//!   the log's signed size and root. It is a [`note`], so witnesses can sign it too.
//! - **Payouts.** [`payout::split`] divides a pool exactly. A [`payout_tree::PayoutTree`] lets a
//!   contract on a chain hand it out.
//! - **Reputation.** [`reputation`] is a rule over the outcomes in the log. Anyone can recompute it
//!   bit for bit.
//!
//! Everything here is public data, except the key in a [`note::Signer`]. Nothing else is
//! constant-time.

#![forbid(unsafe_code)]

pub mod checkpoint;
mod consistency;
mod error;
mod frontier;
mod inclusion;
mod node;
pub mod note;
pub mod payout;
pub mod payout_tree;
mod plan;
mod public_key;
pub mod reputation;
mod root;
#[cfg(test)]
mod test_tree;
mod tree_hash;

pub use checkpoint::{Checkpoint, OpenedCheckpoint};
pub use consistency::verify_consistency;
pub use error::LedgerError;
pub use frontier::Frontier;
pub use inclusion::{InclusionProof, prove, verify, verify_inclusion};
pub use node::NodeId;
pub use plan::{ConsistencyPlan, InclusionPlan};
pub use public_key::{UnusableKey, verifying_key};
pub use root::{RootBuilder, root};
pub use tree_hash::{Hash, empty_root, leaf_hash, node_hash};
