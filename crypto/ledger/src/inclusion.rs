//! Proofs that a leaf is in a tree (RFC 9162 §2.1.3).

use crate::{
    error::LedgerError,
    tree_hash::{Hash, leaf_hash, node_hash},
};

/// The siblings on the way from one leaf to the root. The path has exactly the leaf's depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    index: u64,
    size: u64,
    path: Vec<Hash>,
}

impl InclusionProof {
    /// A proof for leaf `index`, from 0, of a tree of `size` leaves. `path` starts beside the leaf.
    ///
    /// # Errors
    /// [`LedgerError::NoSuchLeaf`] unless `index < size`. [`LedgerError::PathLength`] unless the
    /// path has one hash for each level at which the leaf's subtree has a sibling.
    pub fn new(index: u64, size: u64, path: Vec<Hash>) -> Result<Self, LedgerError> {
        check_path_length(index, size, &path)?;
        Ok(Self { index, size, path })
    }

    /// The index of the leaf, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The number of leaves in the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The siblings' hashes, the one beside the leaf first.
    pub fn path(&self) -> &[Hash] {
        &self.path
    }
}

/// The proof that leaf `index` is in the tree over `leaves`: `PATH(index, leaves)` of RFC 9162
/// §2.1.3.1.
///
/// # Errors
/// [`LedgerError::NoSuchLeaf`] unless `index < leaves.len()`.
pub fn prove<L: AsRef<[u8]>>(leaves: &[L], index: usize) -> Result<InclusionProof, LedgerError> {
    let (leaf, size) = (index as u64, leaves.len() as u64);
    if index >= leaves.len() {
        return Err(LedgerError::NoSuchLeaf { index: leaf, size });
    }
    let mut level: Vec<Hash> = leaves.iter().map(|data| leaf_hash(data.as_ref())).collect();
    let mut position = index;
    let mut path = Vec::new();
    for sibling in siblings(leaf, size) {
        if sibling.is_some() {
            path.push(level[position ^ 1]);
        }
        level = parents(&level);
        position /= 2;
    }
    InclusionProof::new(leaf, size, path)
}

/// Checks that a leaf with this `data` is at the index that `proof` states, in the tree with this
/// `root` (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`LedgerError::RootMismatch`] if it is not.
pub fn verify(root: &Hash, data: &[u8], proof: &InclusionProof) -> Result<(), LedgerError> {
    verify_inclusion(root, proof.size, proof.index, &leaf_hash(data), &proof.path)
}

/// Checks that the leaf with hash `leaf` has index `index`, from 0, in the tree of `size` leaves
/// with this `root` (RFC 9162 §2.1.3.2). See [`leaf_hash`]. `path` comes from
/// [`InclusionPlan::proof`](crate::InclusionPlan::proof). `size` must come from the checkpoint that
/// vouches for the root.
///
/// # Errors
/// [`LedgerError::NoSuchLeaf`] unless `index < size`. [`LedgerError::PathLength`] unless the path
/// has the leaf's depth. [`LedgerError::RootMismatch`] if it leads to another root.
pub fn verify_inclusion(
    root: &Hash,
    size: u64,
    index: u64,
    leaf: &Hash,
    path: &[Hash],
) -> Result<(), LedgerError> {
    check_path_length(index, size, path)?;
    let sides = siblings(index, size).flatten();
    let computed = sides.zip(path).fold(*leaf, |subtree, (side, sibling)| match side {
        Side::Left => node_hash(sibling, &subtree),
        Side::Right => node_hash(&subtree, sibling),
    });
    if computed == *root { Ok(()) } else { Err(LedgerError::RootMismatch) }
}

fn check_path_length(index: u64, size: u64, path: &[Hash]) -> Result<(), LedgerError> {
    if index >= size {
        return Err(LedgerError::NoSuchLeaf { index, size });
    }
    let expected = siblings(index, size).flatten().count();
    if path.len() != expected {
        return Err(LedgerError::PathLength { expected, actual: path.len() });
    }
    Ok(())
}

/// The leaves below each sibling on the way up from leaf `index < size`, as `[start, end)`.
pub(crate) fn sibling_ranges(index: u64, size: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..).zip(siblings(index, size)).filter_map(move |(level, side)| {
        side?;
        let start = ((index >> level) ^ 1) << level;
        Some((start, start + (1u64 << level).min(size - start)))
    })
}

/// The side on which a subtree's sibling stands.
enum Side {
    Left,
    Right,
}

/// For each level from the leaves up, the side of the sibling of the subtree that holds leaf
/// `index`. `None` if the subtree is the last one and stands alone. It is then its own parent.
fn siblings(index: u64, size: u64) -> impl Iterator<Item = Option<Side>> {
    let (mut position, mut last) = (index, size - 1);
    std::iter::from_fn(move || {
        if last == 0 {
            return None;
        }
        let side = match position {
            _ if position % 2 == 1 => Some(Side::Left),
            _ if position < last => Some(Side::Right),
            _ => None,
        };
        (position, last) = (position / 2, last / 2);
        Some(side)
    })
}

/// The level above. Pairs become nodes, and a last hash that stands alone stays.
fn parents(level: &[Hash]) -> Vec<Hash> {
    let parent = |pair: &[Hash]| match pair {
        [left, right] => node_hash(left, right),
        alone => alone[0],
    };
    level.chunks(2).map(parent).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use testkit::flip;

    use super::*;
    use crate::{
        root::root,
        test_tree::{LEAVES, PATHS},
    };

    #[test]
    fn paths_are_those_of_the_certificate_transparency_vectors() {
        for (index, size, expected) in PATHS {
            let proof = prove(&LEAVES[..size], index).expect("the leaf exists");
            let expected: Vec<Hash> = expected.iter().map(|hash| hash.parse().unwrap()).collect();
            assert_eq!(proof.path(), expected, "leaf {index} of {size}");
        }
    }

    #[test]
    fn leaves_outside_the_tree_are_refused() {
        let refused = |index, size| Err(LedgerError::NoSuchLeaf { index, size });
        assert_eq!(prove(&LEAVES, 8), refused(8, 8));
        assert_eq!(prove(&LEAVES[..0], 0), refused(0, 0));
        assert_eq!(InclusionProof::new(0, 0, vec![]), refused(0, 0));
        assert_eq!(InclusionProof::new(u64::MAX, u64::MAX, vec![]), refused(u64::MAX, u64::MAX));
    }

    #[test]
    fn the_largest_tree_is_as_deep_as_its_size() {
        assert!(InclusionProof::new(0, u64::MAX, vec![Hash::from([0; 32]); 64]).is_ok());
        let expected = LedgerError::PathLength { expected: 64, actual: 65 };
        assert_eq!(InclusionProof::new(0, u64::MAX, vec![Hash::from([0; 32]); 65]), Err(expected));
    }

    /// Leaves `0..size` and an index among them.
    fn tree() -> impl Strategy<Value = (Vec<[u8; 8]>, usize)> {
        (1u64..100, any::<prop::sample::Index>())
            .prop_map(|(size, index)| ((0..size).map(u64::to_le_bytes).collect(), index.index(size as usize)))
    }

    proptest! {
        #[test]
        fn every_leaf_is_proven((leaves, index) in tree()) {
            let proof = prove(&leaves, index).expect("the leaf exists");
            prop_assert_eq!(verify(&root(&leaves), &leaves[index], &proof), Ok(()));
        }

        #[test]
        fn a_flipped_bit_in_any_path_element_is_refused((leaves, index) in tree(), bit in 0usize..256) {
            let proof = prove(&leaves, index).expect("the leaf exists");
            for element in 0..proof.path.len() {
                let mut tampered = proof.clone();
                flip(&mut tampered.path[element], bit);
                prop_assert_eq!(verify(&root(&leaves), &leaves[index], &tampered), Err(LedgerError::RootMismatch));
            }
        }

        #[test]
        fn a_flipped_bit_in_the_root_or_the_leaf_is_refused((leaves, index) in tree(), bit in 0usize..64) {
            let proof = prove(&leaves, index).expect("the leaf exists");
            let (mut other_root, mut other_leaf) = (root(&leaves), leaves[index]);
            flip(&mut other_root, bit);
            other_leaf[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(verify(&other_root, &leaves[index], &proof), Err(LedgerError::RootMismatch));
            prop_assert_eq!(verify(&root(&leaves), &other_leaf, &proof), Err(LedgerError::RootMismatch));
        }

        #[test]
        fn a_wrong_index_is_refused((leaves, index) in tree(), other in any::<prop::sample::Index>()) {
            let other = other.index(leaves.len());
            prop_assume!(other != index);
            let proof = prove(&leaves, index).expect("the leaf exists");
            let moved = InclusionProof::new(other as u64, proof.size, proof.path);
            let refused = moved.and_then(|moved| verify(&root(&leaves), &leaves[index], &moved));
            prop_assert!(refused.is_err());
        }

        #[test]
        fn a_truncated_or_extended_path_is_refused((leaves, index) in tree()) {
            let InclusionProof { index, size, path } = prove(&leaves, index).expect("the leaf exists");
            let expected = path.len();
            let with_length = |actual: usize| {
                let mut path = path.clone();
                path.resize(actual, [0; 32].into());
                InclusionProof::new(index, size, path)
            };
            for actual in (0..expected).chain([expected + 1]) {
                prop_assert_eq!(with_length(actual), Err(LedgerError::PathLength { expected, actual }));
            }
        }

        /// Where the path would look the same for two sizes, the size is only a statement. The root
        /// still binds the leaf's index.
        #[test]
        fn a_wrong_size_is_refused_or_leaves_the_path_unchanged((leaves, index) in tree(), other in 1u64..100) {
            let InclusionProof { index, size, path } = prove(&leaves, index).expect("the leaf exists");
            prop_assume!(other != size);
            let sides = |size| siblings(index, size).flatten().map(|side| matches!(side, Side::Left)).collect::<Vec<_>>();
            let accepted = InclusionProof::new(index, other, path)
                .and_then(|resized| verify(&root(&leaves), &leaves[index as usize], &resized));
            let same_shape = index < other && sides(other) == sides(size);
            prop_assert_eq!(accepted.is_ok(), same_shape);
        }
    }
}
