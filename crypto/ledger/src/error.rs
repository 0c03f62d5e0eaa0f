//! What can be wrong with a tree or a proof.

/// Why a proof of inclusion was not made or not accepted.
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
    #[error("the path has {actual} hashes where the leaf's depth is {expected}")]
    PathLength {
        /// The depth of the leaf.
        expected: usize,
        /// The number of hashes given.
        actual: usize,
    },
    /// The leaf and the path lead to another root.
    #[error("the leaf is not at this place of the tree with this root")]
    RootMismatch,
}
