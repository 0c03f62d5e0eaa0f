//! The complete subtrees that a stored log is made of.

use crate::tree_hash::{Hash, node_hash};

/// The name of the complete subtree over the leaves `[index·2^level, (index + 1)·2^level)`. Once
/// these leaves exist, the subtree's hash never changes, so it can be stored for good. Level 0 is a
/// leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    /// The height: the subtree has 2^level leaves.
    pub level: u32,
    /// Its position among the complete subtrees of its level, from 0.
    pub index: u64,
}

/// The complete subtrees that make up the leaves `[start, end)`, the largest first. `start` must be
/// a multiple of a power of two that is at least `end - start`. The subtrees of RFC 9162 §2.1.1
/// have that property.
pub(crate) fn complete_subtrees(mut start: u64, end: u64) -> impl Iterator<Item = NodeId> {
    std::iter::from_fn(move || {
        let level = (end - start).checked_ilog2()?;
        let node = NodeId { level, index: start >> level };
        start += 1 << level;
        Some(node)
    })
}

/// The root over adjacent complete subtrees, given the largest first. `None` for no subtrees.
pub(crate) fn join(subtrees: &[Hash]) -> Option<Hash> {
    subtrees.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}
