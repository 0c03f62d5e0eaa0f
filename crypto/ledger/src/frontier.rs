//! The state of a growing log, without its leaves.

use crate::{
    error::LedgerError,
    node::{NodeId, complete_subtrees, join},
    tree_hash::{Hash, empty_root, node_hash},
};

/// A tree's size and the hashes of its largest complete subtrees, one for each set bit of the size.
/// That is all it takes to append a leaf and to compute the root.
///
/// ```
/// use ledger::{Frontier, NodeId, leaf_hash, root};
///
/// let mut log = Frontier::new();
/// assert!(log.append(leaf_hash(b"first")).is_empty());
/// let completed = log.append(leaf_hash(b"second"));
/// assert_eq!(completed, [(NodeId { level: 1, index: 0 }, root(["first", "second"]))]);
/// assert_eq!(log.root(), root(["first", "second"]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The largest first.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The tree of no leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The nodes from which a tree of `size` leaves is rebuilt, the largest first.
    pub fn nodes(size: u64) -> Vec<NodeId> {
        complete_subtrees(0, size).collect()
    }

    /// The tree of `size` leaves, from the hashes of [`Frontier::nodes`] in that order.
    ///
    /// # Errors
    /// [`LedgerError::NodeCount`] unless there is one hash for each node.
    pub fn from_nodes(size: u64, hashes: &[Hash]) -> Result<Self, LedgerError> {
        let expected = size.count_ones() as usize;
        if hashes.len() != expected {
            return Err(LedgerError::NodeCount { expected, actual: hashes.len() });
        }
        Ok(Self { size, subtrees: hashes.to_vec() })
    }

    /// Appends a leaf by its hash, see [`leaf_hash`](crate::leaf_hash). Returns the inner nodes
    /// that the leaf completes (level 1 and above, ascending). A store of the log keeps them beside
    /// the leaf.
    ///
    /// # Panics
    /// Past 2⁶⁴ − 1 leaves.
    pub fn append(&mut self, leaf: Hash) -> Vec<(NodeId, Hash)> {
        let mut completed = Vec::new();
        let mut subtree = leaf;
        for level in 1..=self.size.trailing_ones() {
            let left = self.subtrees.pop().expect("there is a subtree for every set bit of the size");
            subtree = node_hash(&left, &subtree);
            completed.push((NodeId { level, index: self.size.unbounded_shr(level) }, subtree));
        }
        self.subtrees.push(subtree);
        self.size = self.size.checked_add(1).expect("a log has fewer than 2^64 leaves");
        completed
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over the leaves so far.
    pub fn root(&self) -> Hash {
        join(&self.subtrees).unwrap_or_else(empty_root)
    }

    /// `u64 size ‖ bytes[32]` for each subtree, the largest first. Little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_le_bytes().to_vec();
        self.subtrees.iter().for_each(|subtree| bytes.extend(subtree.as_bytes()));
        bytes
    }

    /// Reads the bytes that [`Frontier::to_bytes`] writes.
    ///
    /// # Errors
    /// [`LedgerError::FrontierLength`] unless the bytes hold a size and exactly its subtrees.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LedgerError> {
        let wrong = LedgerError::FrontierLength { actual: bytes.len() };
        let (size, rest) = bytes.split_first_chunk().ok_or(wrong)?;
        let (subtrees, odd) = rest.as_chunks::<32>();
        if !odd.is_empty() {
            return Err(wrong);
        }
        let subtrees: Vec<Hash> = subtrees.iter().copied().map(Hash::from).collect();
        Self::from_nodes(u64::from_le_bytes(*size), &subtrees).map_err(|_| wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{leaf_hash, test_tree::recursive_root};

    #[test]
    fn every_size_is_rebuilt_from_the_nodes_that_appending_returned() {
        let leaves: Vec<[u8; 8]> = (0..130u64).map(u64::to_le_bytes).collect();
        let (mut log, mut store) = (Frontier::new(), BTreeMap::new());
        for (index, leaf) in leaves.iter().enumerate() {
            store.insert(NodeId { level: 0, index: index as u64 }, leaf_hash(leaf));
            for (node, hash) in log.append(leaf_hash(leaf)) {
                let first = (node.index << node.level) as usize;
                assert_eq!(hash, recursive_root(&leaves[first..first + (1 << node.level)]), "{node:?}");
                assert_eq!(store.insert(node, hash), None, "{node:?} is completed once");
            }
            let size = index + 1;
            assert_eq!(log.root(), recursive_root(&leaves[..size]));
            let hashes: Vec<Hash> = Frontier::nodes(size as u64).iter().map(|node| store[node]).collect();
            assert_eq!(Frontier::from_nodes(size as u64, &hashes), Ok(log.clone()));
            assert_eq!(Frontier::from_bytes(&log.to_bytes()), Ok(log.clone()));
        }
    }

    #[test]
    fn nodes_of_a_size_other_than_the_stated_one_are_refused() {
        assert_eq!(Frontier::from_nodes(0, &[]), Ok(Frontier::new()));
        let refused = |expected, actual| Err(LedgerError::NodeCount { expected, actual });
        assert_eq!(Frontier::from_nodes(5, &[Hash::from([0; 32]); 1]), refused(2, 1));
        assert_eq!(Frontier::from_nodes(5, &[Hash::from([0; 32]); 3]), refused(2, 3));
        assert_eq!(Frontier::from_nodes(u64::MAX, &[Hash::from([0; 32]); 63]), refused(64, 63));
    }

    #[test]
    fn truncated_and_extended_encodings_are_refused() {
        let mut log = Frontier::new();
        (0..7).for_each(|leaf| drop(log.append([leaf; 32].into())));
        let bytes = log.to_bytes();
        for end in 0..bytes.len() {
            assert_eq!(Frontier::from_bytes(&bytes[..end]), Err(LedgerError::FrontierLength { actual: end }));
        }
        let longer = [&bytes[..], &[0; 32]].concat();
        assert!(Frontier::from_bytes(&longer).is_err());
    }
}
