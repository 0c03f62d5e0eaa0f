//! Proofs that a log has only grown (RFC 9162 §2.1.4).

use crate::{
    error::LedgerError,
    tree_hash::{Hash, empty_root, node_hash},
};

/// Checks that the tree of `new_size` leaves with `new_root` begins with the leaves of the tree of
/// `old_size` leaves with `old_root` (RFC 9162 §2.1.4.2). `path` comes from
/// [`ConsistencyPlan::proof`](crate::ConsistencyPlan::proof). It is empty when the sizes are equal
/// or the old tree has no leaves.
///
/// # Errors
/// [`LedgerError::Shrunk`] unless `old_size <= new_size`. [`LedgerError::PathLength`] unless the
/// path has the one length that the sizes allow. [`LedgerError::OldRootMismatch`] or
/// [`LedgerError::NewRootMismatch`] if it leads elsewhere.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), LedgerError> {
    if old_size > new_size {
        return Err(LedgerError::Shrunk { old_size, new_size });
    }
    let expected = proof_ranges(old_size, new_size).len();
    if path.len() != expected {
        return Err(LedgerError::PathLength { expected, actual: path.len() });
    }
    let (old, new) = match old_size {
        0 => (empty_root(), *new_root),
        _ if old_size == new_size => (*new_root, *new_root),
        _ => roots(old_size, old_root, new_size, path),
    };
    if old != *old_root {
        return Err(LedgerError::OldRootMismatch);
    }
    if new != *new_root {
        return Err(LedgerError::NewRootMismatch);
    }
    Ok(())
}

/// The two roots to which a path of the right length leads, for `0 < old_size < new_size`. `fr` and
/// `sr` of the RFC are `old` and `new`, `fn` and `sn` are `position` and `last`.
fn roots(old_size: u64, old_root: &Hash, new_size: u64, path: &[Hash]) -> (Hash, Hash) {
    // The largest complete subtree at the right edge of the old tree is a node of the new tree too.
    // The path starts there. If this subtree is the whole old tree, the path leaves it out.
    let level = old_size.trailing_zeros();
    let (mut position, mut last) = ((old_size - 1) >> level, (new_size - 1) >> level);
    let (start, path) = match path.split_first() {
        Some((start, rest)) if !old_size.is_power_of_two() => (*start, rest),
        _ => (*old_root, path),
    };
    let (mut old, mut new) = (start, start);
    for sibling in path {
        if position & 1 == 1 || position == last {
            (old, new) = (node_hash(sibling, &old), node_hash(sibling, &new));
            // If this subtree is the last of the new tree, it is its own parent until it is a right
            // child.
            while position & 1 == 0 && position != 0 {
                (position, last) = (position >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, sibling);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    (old, new)
}

/// The ranges of leaves whose roots are the proof, in its order: `PROOF(old_size, D[new_size])` of
/// RFC 9162 §2.1.4.1, for `old_size <= new_size`.
pub(crate) fn proof_ranges(old_size: u64, new_size: u64) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    if old_size == 0 {
        return ranges;
    }
    let (mut start, mut end) = (0, new_size);
    while end != old_size {
        let middle = start + (1 << (end - start - 1).ilog2());
        if old_size <= middle {
            ranges.push((middle, end));
            end = middle;
        } else {
            ranges.push((start, middle));
            start = middle;
        }
    }
    if start != 0 {
        ranges.push((start, end));
    }
    ranges.reverse();
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_tree::{LEAVES, PROOFS, recursive_consistency, recursive_root};

    #[test]
    fn proofs_are_those_of_the_certificate_transparency_vectors() {
        for (old_size, new_size, expected) in PROOFS {
            let path: Vec<Hash> = expected.iter().map(|hash| hash.parse().unwrap()).collect();
            assert_eq!(
                recursive_consistency(old_size, &LEAVES[..new_size]),
                path,
                "{old_size} to {new_size}"
            );
            let (old_root, new_root) =
                (recursive_root(&LEAVES[..old_size]), recursive_root(&LEAVES[..new_size]));
            let verdict = verify_consistency(old_size as u64, &old_root, new_size as u64, &new_root, &path);
            assert_eq!(verdict, Ok(()), "{old_size} to {new_size}");
        }
    }

    #[test]
    fn a_log_that_shrank_is_refused() {
        let root = Hash::from([1; 32]);
        let shrunk = Err(LedgerError::Shrunk { old_size: 2, new_size: 1 });
        assert_eq!(verify_consistency(2, &root, 1, &root, &[]), shrunk);
    }

    #[test]
    fn equal_sizes_have_equal_roots_and_the_empty_tree_has_its_own() {
        let (one, two) = (Hash::from([1; 32]), Hash::from([2; 32]));
        assert_eq!(verify_consistency(5, &one, 5, &one, &[]), Ok(()));
        assert_eq!(verify_consistency(5, &one, 5, &two, &[]), Err(LedgerError::OldRootMismatch));
        assert_eq!(verify_consistency(0, &empty_root(), 5, &two, &[]), Ok(()));
        assert_eq!(verify_consistency(0, &one, 5, &two, &[]), Err(LedgerError::OldRootMismatch));
        let needless = Err(LedgerError::PathLength { expected: 0, actual: 1 });
        assert_eq!(verify_consistency(5, &one, 5, &one, &[one]), needless);
        assert_eq!(verify_consistency(0, &empty_root(), 5, &one, &[one]), needless);
    }

    /// Two sizes with something to prove, the roots, and the proof.
    fn proof() -> impl Strategy<Value = (usize, usize, Hash, Hash, Vec<Hash>)> {
        (2usize..140).prop_flat_map(|new| (1..new, Just(new))).prop_map(|(old, new)| {
            let leaves: Vec<[u8; 8]> = (0..new as u64).map(u64::to_le_bytes).collect();
            let path = recursive_consistency(old, &leaves);
            (old, new, recursive_root(&leaves[..old]), recursive_root(&leaves), path)
        })
    }

    fn verdict(
        old: usize,
        old_root: &Hash,
        new: usize,
        new_root: &Hash,
        path: &[Hash],
    ) -> Result<(), LedgerError> {
        verify_consistency(old as u64, old_root, new as u64, new_root, path)
    }

    proptest! {
        #[test]
        fn a_flipped_bit_anywhere_is_refused((old, new, old_root, new_root, path) in proof(), bit in 0usize..256) {
            let flip = |hash: &Hash| {
                let mut flipped = *hash;
                testkit::flip(&mut flipped, bit);
                flipped
            };
            prop_assert!(verdict(old, &flip(&old_root), new, &new_root, &path).is_err());
            prop_assert_eq!(verdict(old, &old_root, new, &flip(&new_root), &path), Err(LedgerError::NewRootMismatch));
            for element in 0..path.len() {
                let mut tampered = path.clone();
                tampered[element] = flip(&path[element]);
                prop_assert!(verdict(old, &old_root, new, &new_root, &tampered).is_err());
            }
        }

        #[test]
        fn a_truncated_extended_or_reordered_path_is_refused((old, new, old_root, new_root, path) in proof()) {
            let expected = path.len();
            for actual in (0..expected).chain([expected + 1]) {
                let mut resized = path.clone();
                resized.resize(actual, old_root);
                let wrong = Err(LedgerError::PathLength { expected, actual });
                prop_assert_eq!(verdict(old, &old_root, new, &new_root, &resized), wrong);
            }
            if expected > 1 {
                let reversed: Vec<Hash> = path.iter().rev().copied().collect();
                prop_assert!(verdict(old, &old_root, new, &new_root, &reversed).is_err());
            }
        }

        /// If the log rewrote a leaf below the old root, no path is a proof.
        #[test]
        fn a_rewritten_leaf_is_found((old, new, old_root, _, _) in proof(), rewritten in any::<prop::sample::Index>()) {
            let mut leaves: Vec<[u8; 8]> = (0..new as u64).map(u64::to_le_bytes).collect();
            leaves[rewritten.index(old)] = [0xff; 8];
            let path = recursive_consistency(old, &leaves);
            prop_assert!(verdict(old, &old_root, new, &recursive_root(&leaves), &path).is_err());
        }

        #[test]
        fn swapped_roots_are_refused((old, new, old_root, new_root, path) in proof()) {
            prop_assert!(verdict(old, &new_root, new, &old_root, &path).is_err());
        }
    }
}
