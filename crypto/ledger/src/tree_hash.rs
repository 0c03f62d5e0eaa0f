//! The three hashes that a tree is made of (RFC 9162 §2.1.1).

use sha2::{Digest, Sha256};

/// A SHA-256 digest: the hash of a leaf, of a node, or of the whole tree.
pub type Hash = [u8; 32];

/// The hash of a leaf, `SHA256(0x00 ‖ data)`.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

/// The hash of an inner node, `SHA256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree of no leaves, `SHA256("")`.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}
