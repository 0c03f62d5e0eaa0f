//! The root of a tree (RFC 9162 §2.1.1), in one call or leaf by leaf.

use crate::{
    frontier::Frontier,
    tree_hash::{Hash, leaf_hash},
};

/// The root of the tree whose leaves hold `leaves`, in this order.
pub fn root<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> Hash {
    let mut builder = RootBuilder::new();
    for leaf in leaves {
        builder.push(leaf.as_ref());
    }
    builder.root()
}

/// Computes the root of a growing tree. It holds one hash for each set bit of the size.
///
/// ```
/// let mut builder = ledger::RootBuilder::new();
/// builder.push(b"first");
/// builder.push(b"second");
/// assert_eq!(builder.root(), ledger::root(["first", "second"]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct RootBuilder(Frontier);

impl RootBuilder {
    /// A tree of no leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf that holds `data`.
    pub fn push(&mut self, data: &[u8]) {
        self.push_leaf_hash(leaf_hash(data));
    }

    /// Appends a leaf by its hash, see [`leaf_hash`].
    pub fn push_leaf_hash(&mut self, leaf: Hash) {
        self.0.append(leaf);
    }

    /// The number of leaves so far.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// The root over the leaves so far.
    pub fn root(&self) -> Hash {
        self.0.root()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_tree::{LEAVES, ROOTS, recursive_root};

    #[test]
    fn roots_are_those_of_the_certificate_transparency_vectors() {
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(root(&LEAVES[..size]), expected.parse().unwrap(), "{size} leaves");
        }
    }

    #[test]
    fn a_leaf_is_never_a_node() {
        let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
        assert_ne!(root(["left", "right"]), root([[left.as_ref(), right.as_ref()].concat()]));
    }

    proptest! {
        #[test]
        fn root_is_the_recursive_definition(leaves in prop::collection::vec(any::<[u8; 3]>(), 0..70)) {
            prop_assert_eq!(root(&leaves), recursive_root(&leaves));
        }

        #[test]
        fn memory_is_logarithmic(size in 0u64..5000) {
            let mut builder = RootBuilder::new();
            for leaf in 0..size {
                builder.push(&leaf.to_le_bytes());
            }
            prop_assert_eq!(builder.size(), size);
            prop_assert_eq!(builder.0.to_bytes().len(), 8 + 32 * size.count_ones() as usize);
        }
    }
}
