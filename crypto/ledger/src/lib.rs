//! The record: a log that can only grow, what contributions earn, and what participants are known for. No I/O: whoever
//! stores the log loads what a plan names.
//!
//! - **Trees.** The Merkle trees of RFC 9162 §2.1 over SHA-256: a leaf is `SHA256(0x00 ‖ data)`, a node
//!   `SHA256(0x01 ‖ left ‖ right)`; the left subtree of *n* leaves holds the largest power of two smaller than *n*, and the
//!   tree of no leaves is `SHA256("")`. [`root`], [`prove`] and [`verify`] work on a list of leaves.
//! - **Log.** [`Frontier`] appends to a tree of any size in memory logarithmic in it and says which nodes are to be
//!   stored; [`InclusionPlan`] and [`ConsistencyPlan`] say which of them a proof is made of; [`verify_inclusion`] and
//!   [`verify_consistency`] check it. A [`Checkpoint`] is the log's signed word on its size and root, a [`note`] that
//!   witnesses can sign too.
//! - **Payouts.** [`payout::split`] divides a pool exactly; a [`payout_tree::PayoutTree`] is how a contract on a chain hands
//!   it out.
//! - **Reputation.** [`reputation`] is a rule over the outcomes in the log that anybody recomputes bit for bit.
//!
//! Everything here but a [`note::Signer`] is public data, so nothing else is constant-time.

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
pub use root::{RootBuilder, root};
pub use tree_hash::{Hash, empty_root, leaf_hash, node_hash};
