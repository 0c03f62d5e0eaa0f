//! Proofs from a store of nodes: the nodes to load, and the path that their hashes give.

use crate::{
    consistency::proof_ranges,
    error::LedgerError,
    inclusion::sibling_ranges,
    node::{NodeId, complete_subtrees, join},
    tree_hash::Hash,
};

/// The nodes behind the proof that leaf `index` is in a tree of `size` leaves (RFC 9162 §2.1.3.1).
/// There are O(log² size) of them, mostly O(log size).
///
/// ```
/// use ledger::{InclusionPlan, NodeId};
///
/// let plan = InclusionPlan::new(0, 3)?;
/// assert_eq!(plan.nodes(), [NodeId { level: 0, index: 1 }, NodeId { level: 0, index: 2 }]);
/// # Ok::<(), ledger::LedgerError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionPlan(Plan);

impl InclusionPlan {
    /// The plan for leaf `index`, from 0, of a tree of `size` leaves.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchLeaf`] unless `index < size`.
    pub fn new(index: u64, size: u64) -> Result<Self, LedgerError> {
        if index >= size {
            return Err(LedgerError::NoSuchLeaf { index, size });
        }
        Ok(Self(Plan::over(sibling_ranges(index, size))))
    }

    /// The nodes to load. Some of them can be leaves (level 0).
    pub fn nodes(&self) -> &[NodeId] {
        &self.0.nodes
    }

    /// The path for [`verify_inclusion`](crate::verify_inclusion). `hashes` are those of
    /// [`nodes`](Self::nodes), in their order.
    ///
    /// # Errors
    /// [`LedgerError::NodeCount`] unless there is one hash for each node.
    pub fn proof(&self, hashes: &[Hash]) -> Result<Vec<Hash>, LedgerError> {
        self.0.path(hashes)
    }
}

/// The nodes behind the proof that a tree of `old_size` leaves is the beginning of one of
/// `new_size` (RFC 9162 §2.1.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyPlan(Plan);

impl ConsistencyPlan {
    /// The plan for two sizes of one log. It is empty when the sizes are equal or the old tree has
    /// no leaves, because there is nothing to prove.
    ///
    /// # Errors
    /// [`LedgerError::Shrunk`] unless `old_size <= new_size`.
    pub fn new(old_size: u64, new_size: u64) -> Result<Self, LedgerError> {
        if old_size > new_size {
            return Err(LedgerError::Shrunk { old_size, new_size });
        }
        Ok(Self(Plan::over(proof_ranges(old_size, new_size))))
    }

    /// The nodes to load. Some of them can be leaves (level 0).
    pub fn nodes(&self) -> &[NodeId] {
        &self.0.nodes
    }

    /// The path for [`verify_consistency`](crate::verify_consistency). `hashes` are those of
    /// [`nodes`](Self::nodes), in their order.
    ///
    /// # Errors
    /// [`LedgerError::NodeCount`] unless there is one hash for each node.
    pub fn proof(&self, hashes: &[Hash]) -> Result<Vec<Hash>, LedgerError> {
        self.0.path(hashes)
    }
}

/// The nodes behind a path. Each element of the path is the root over one range of leaves, which
/// consists of complete subtrees.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Plan {
    nodes: Vec<NodeId>,
    /// For each element, the number of its nodes. The nodes of an element follow those of the
    /// element before.
    counts: Vec<usize>,
}

impl Plan {
    fn over(ranges: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let (mut nodes, mut counts) = (Vec::new(), Vec::new());
        for (start, end) in ranges {
            let before = nodes.len();
            nodes.extend(complete_subtrees(start, end));
            counts.push(nodes.len() - before);
        }
        Self { nodes, counts }
    }

    fn path(&self, mut hashes: &[Hash]) -> Result<Vec<Hash>, LedgerError> {
        if hashes.len() != self.nodes.len() {
            return Err(LedgerError::NodeCount { expected: self.nodes.len(), actual: hashes.len() });
        }
        let element = |&count: &usize| {
            let (group, rest) = hashes.split_at(count);
            hashes = rest;
            join(group).expect("no range is empty")
        };
        Ok(self.counts.iter().map(element).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        Frontier, leaf_hash, prove,
        test_tree::{recursive_consistency, recursive_root},
        verify_consistency, verify_inclusion,
    };

    const LARGEST: u64 = 130;

    fn leaves() -> Vec<[u8; 8]> {
        (0..LARGEST).map(u64::to_le_bytes).collect()
    }

    /// The nodes that a database would hold for the log of these leaves.
    fn store(leaves: &[[u8; 8]]) -> BTreeMap<NodeId, Hash> {
        let (mut log, mut store) = (Frontier::new(), BTreeMap::new());
        for (index, leaf) in (0..).zip(leaves) {
            store.insert(NodeId { level: 0, index }, leaf_hash(leaf));
            store.extend(log.append(leaf_hash(leaf)));
        }
        store
    }

    fn load(store: &BTreeMap<NodeId, Hash>, nodes: &[NodeId]) -> Vec<Hash> {
        nodes.iter().map(|node| store[node]).collect()
    }

    #[test]
    fn every_inclusion_proof_from_the_store_is_that_of_the_list_of_leaves() {
        let leaves = leaves();
        let store = store(&leaves);
        for size in 1..=LARGEST {
            let tree = &leaves[..size as usize];
            let root = recursive_root(tree);
            for index in 0..size {
                let plan = InclusionPlan::new(index, size).unwrap();
                let path = plan.proof(&load(&store, plan.nodes())).unwrap();
                assert_eq!(path, prove(tree, index as usize).unwrap().path(), "leaf {index} of {size}");
                let leaf = leaf_hash(&leaves[index as usize]);
                assert_eq!(verify_inclusion(&root, size, index, &leaf, &path), Ok(()));
            }
        }
    }

    #[test]
    fn every_consistency_proof_from_the_store_is_the_recursive_one() {
        let leaves = leaves();
        let store = store(&leaves);
        for new_size in 0..=LARGEST {
            let tree = &leaves[..new_size as usize];
            let new_root = recursive_root(tree);
            for old_size in 0..=new_size {
                let plan = ConsistencyPlan::new(old_size, new_size).unwrap();
                let path = plan.proof(&load(&store, plan.nodes())).unwrap();
                assert_eq!(path, recursive_consistency(old_size as usize, tree), "{old_size} to {new_size}");
                let old_root = recursive_root(&leaves[..old_size as usize]);
                assert_eq!(verify_consistency(old_size, &old_root, new_size, &new_root, &path), Ok(()));
            }
        }
    }

    #[test]
    fn plans_for_the_largest_trees_name_few_nodes() {
        let deepest = InclusionPlan::new(0, u64::MAX).unwrap();
        assert_eq!(deepest.0.counts.len(), 64);
        assert_eq!(deepest.nodes().last(), Some(&NodeId { level: 0, index: u64::MAX - 1 }));
        assert_eq!(deepest.nodes().len(), 63 + 63);
        let all = ConsistencyPlan::new(u64::MAX - 1, u64::MAX).unwrap();
        assert!(all.nodes().len() <= 64, "{}", all.nodes().len());
    }

    #[test]
    fn impossible_plans_and_wrong_numbers_of_hashes_are_refused() {
        let no_leaf = |index, size| Err(LedgerError::NoSuchLeaf { index, size });
        assert_eq!(InclusionPlan::new(0, 0), no_leaf(0, 0));
        assert_eq!(InclusionPlan::new(7, 7), no_leaf(7, 7));
        let shrunk = Err(LedgerError::Shrunk { old_size: 8, new_size: 7 });
        assert_eq!(ConsistencyPlan::new(8, 7), shrunk);
        let plan = InclusionPlan::new(2, 7).unwrap();
        let wrong = |actual| Err(LedgerError::NodeCount { expected: 4, actual });
        assert_eq!(plan.proof(&[Hash::from([0; 32]); 3]), wrong(3));
        assert_eq!(plan.proof(&[Hash::from([0; 32]); 5]), wrong(5));
    }
}
