//! The Merkle trees of RFC 9162 §2.1 over SHA-256: roots, proofs of inclusion and of consistency, signed checkpoints.
//!
//! A leaf is `SHA256(0x00 ‖ data)`, a node `SHA256(0x01 ‖ left ‖ right)`; the left subtree of *n* leaves holds the
//! largest power of two smaller than *n*, and the tree of no leaves is `SHA256("")`. Everything here is public data, so
//! nothing is constant-time.

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
