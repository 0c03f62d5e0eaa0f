//! The three hashes that a tree is made of (RFC 9162 §2.1.1).

use sha2::{Digest, Sha256};

pub use names::TreeHash as Hash;

/// The hash of a leaf, `SHA256(0x00 ‖ data)`.
pub fn leaf_hash(data: &[u8]) -> Hash {
    digest(Sha256::new().chain_update([0]).chain_update(data))
}

/// The hash of an inner node, `SHA256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    digest(Sha256::new().chain_update([1]).chain_update(left).chain_update(right))
}

/// The root of the tree of no leaves, `SHA256("")`.
pub fn empty_root() -> Hash {
    digest(Sha256::new())
}

fn digest(hasher: Sha256) -> Hash {
    Hash::from_bytes(hasher.finalize().into())
}
