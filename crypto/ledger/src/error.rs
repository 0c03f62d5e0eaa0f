//! The errors of trees and proofs.

/// Why a proof was not made or not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The tree has no leaf of that index.
    #[error("leaf {index} is outside a tree of {size} leaves")]
    NoSuchLeaf {
        /// The index asked for, from 0.
        index: u64,
        /// The number of leaves.
        size: u64,
    },
    /// The path does not have the one length that its index and size allow.
    #[error("the path has {actual} hashes, not {expected}")]
    PathLength {
        /// The depth of the leaf, or the length of a proof between the two sizes.
        expected: usize,
        /// The number of hashes given.
        actual: usize,
    },
    /// The leaf and the path lead to another root.
    #[error("the leaf is not at this index of the tree with this root")]
    RootMismatch,
    /// The newer tree is smaller than the older one.
    #[error("a log of {old_size} leaves cannot have become one of {new_size}")]
    Shrunk {
        /// The older tree's number of leaves.
        old_size: u64,
        /// The newer tree's.
        new_size: u64,
    },
    /// A proof of consistency leads to another old root. The new tree does not begin with the old
    /// one.
    #[error("the older tree with this root is not the beginning of the newer one")]
    OldRootMismatch,
    /// A proof of consistency leads to another new root.
    #[error("the proof does not lead to the newer tree's root")]
    NewRootMismatch,
    /// The number of hashes from the store is not the number of nodes.
    #[error("{actual} hashes were given for {expected} nodes")]
    NodeCount {
        /// The number of nodes.
        expected: usize,
        /// The number of hashes given.
        actual: usize,
    },
    /// The bytes are not a frontier: a size, and a hash for each set bit of the size.
    #[error("{actual} bytes are not a tree's size and its complete subtrees")]
    FrontierLength {
        /// The number of bytes given.
        actual: usize,
    },
}
