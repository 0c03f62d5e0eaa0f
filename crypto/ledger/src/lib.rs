//! The Merkle trees of RFC 9162 §2.1 over SHA-256: roots and proofs of inclusion.
//!
//! A leaf is `SHA256(0x00 ‖ data)`, a node `SHA256(0x01 ‖ left ‖ right)`; the left subtree of *n* leaves holds the
//! largest power of two smaller than *n*, and the tree of no leaves is `SHA256("")`. Everything here is public data, so
//! nothing is constant-time.

#![forbid(unsafe_code)]

mod error;
mod inclusion;
mod root;
#[cfg(test)]
mod test_tree;
mod tree_hash;

pub use error::LedgerError;
pub use inclusion::{InclusionProof, prove, verify};
pub use root::{RootBuilder, root};
pub use tree_hash::{Hash, empty_root, leaf_hash, node_hash};
