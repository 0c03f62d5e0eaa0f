//! The tree from which a contract on a chain pays. The contract holds the root, and a participant
//! claims a payment with a proof.
//!
//! Layout and hashes are those of OpenZeppelin's `StandardMerkleTree` over `["address", "uint256"]`
//! (npm `@openzeppelin/merkle-tree` 1, format `standard-v1`), which contracts check with
//! `MerkleProof.verify`. A leaf is `keccak256(keccak256(abi.encode(address, amount)))`, a node the
//! keccak256 of its two children in ascending order. The leaves, ascending by hash, fill an array
//! of 2n − 1 nodes from its end. Node *i* has the children 2i + 1 and 2i + 2, and node 0 is the
//! root. A leaf is hashed twice so that no node, which is 64 bytes long, can pass as a leaf.

mod address;
mod dump;

use std::collections::BTreeMap;

use rayon::prelude::*;
use sha3::{Digest, Keccak256};

use crate::tree_hash::Hash;

pub use address::{Address, AddressError};
pub use dump::{DumpedValue, StandardDump};

/// The least work of a thread, in hashes, before another thread takes some of it.
const MIN_TASK: usize = 1024;

/// An amount owed to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Payment {
    /// The account that is paid.
    pub address: Address,
    /// In the token's smallest units.
    pub amount: u128,
}

/// Sums up what each address is owed, ascending by address. Addresses that are owed nothing are
/// left out. Each address gets one leaf, because a contract that remembers paid addresses would pay
/// only one of two.
///
/// # Errors
/// [`PayoutTreeError::Overflow`] for an address that is owed 2¹²⁸ units or more.
pub fn merge(payments: impl IntoIterator<Item = Payment>) -> Result<Vec<Payment>, PayoutTreeError> {
    let mut sums: BTreeMap<Address, u128> = BTreeMap::new();
    for Payment { address, amount } in payments {
        let sum = sums.entry(address).or_default();
        *sum = sum.checked_add(amount).ok_or(PayoutTreeError::Overflow { address })?;
    }
    let owed = sums.into_iter().filter(|&(_, amount)| amount > 0);
    Ok(owed.map(|(address, amount)| Payment { address, amount }).collect())
}

/// `keccak256(keccak256(abi.encode(address, uint256)))`: 12 zero bytes and the address, then the
/// amount as 32 big-endian bytes.
pub fn payment_leaf(payment: &Payment) -> Hash {
    let mut encoded = [0; 64];
    encoded[12..32].copy_from_slice(&payment.address.to_bytes());
    encoded[48..].copy_from_slice(&payment.amount.to_be_bytes());
    keccak256(&[keccak256(&[&encoded]).as_ref()])
}

/// Checks that `payment` is in the tree with this `root`, as a contract would.
///
/// # Errors
/// [`PayoutTreeError::NotInTree`] if the proof does not lead to the root.
pub fn verify_payment(root: &Hash, payment: &Payment, proof: &[Hash]) -> Result<(), PayoutTreeError> {
    let computed = proof.iter().fold(payment_leaf(payment), |node, sibling| pair(&node, sibling));
    if computed == *root { Ok(()) } else { Err(PayoutTreeError::NotInTree) }
}

/// The tree over a batch of payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutTree {
    payments: Vec<Payment>,
    /// The index of each payment's leaf among the nodes.
    leaf_nodes: Vec<usize>,
    /// The root first.
    nodes: Vec<Hash>,
}

impl PayoutTree {
    /// The tree over these payments. Their order is kept, but it does not change the tree.
    ///
    /// # Errors
    /// [`PayoutTreeError::NoPayments`], or [`PayoutTreeError::DuplicateAddress`] for an address
    /// that appears twice. See [`merge`].
    pub fn new(payments: Vec<Payment>) -> Result<Self, PayoutTreeError> {
        if payments.is_empty() {
            return Err(PayoutTreeError::NoPayments);
        }
        let mut addresses: Vec<Address> = payments.iter().map(|payment| payment.address).collect();
        addresses.par_sort_unstable();
        if let Some(pair) = addresses.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PayoutTreeError::DuplicateAddress { address: pair[0] });
        }
        let hashed = payments.par_iter().with_min_len(MIN_TASK).enumerate();
        let mut leaves: Vec<(Hash, usize)> =
            hashed.map(|(position, payment)| (payment_leaf(payment), position)).collect();
        leaves.par_sort_unstable();
        let count = 2 * leaves.len() - 1;
        let (mut nodes, mut leaf_nodes) = (vec![Hash::from_bytes([0; 32]); count], vec![0; leaves.len()]);
        for (node, &(leaf, position)) in (0..count).rev().zip(&leaves) {
            nodes[node] = leaf;
            leaf_nodes[position] = node;
        }
        hash_parents(&mut nodes, leaves.len() - 1);
        Ok(Self { payments, leaf_nodes, nodes })
    }

    /// The root, which the contract holds.
    pub fn root(&self) -> Hash {
        self.nodes[0]
    }

    /// The payments, in the order given.
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// The proof of the payment at this position of [`payments`](Self::payments), for
    /// [`verify_payment`] or a contract. `None` past the last payment.
    pub fn proof(&self, position: usize) -> Option<Vec<Hash>> {
        let mut node = *self.leaf_nodes.get(position)?;
        let mut proof = Vec::new();
        while node > 0 {
            let sibling = if node % 2 == 1 { node + 1 } else { node - 1 };
            proof.push(self.nodes[sibling]);
            node = (node - 1) / 2;
        }
        Some(proof)
    }
}

/// Computes the first `parents` nodes from those below, level by level.
fn hash_parents(nodes: &mut [Hash], parents: usize) {
    let mut end = parents;
    while end > 0 {
        let start = (1 << end.ilog2()) - 1;
        let (above, below) = nodes.split_at_mut(end);
        above[start..].par_iter_mut().with_min_len(MIN_TASK).enumerate().for_each(|(k, parent)| {
            let child = 2 * (start + k) + 1 - end;
            *parent = pair(&below[child], &below[child + 1]);
        });
        end = start;
    }
}

fn pair(one: &Hash, other: &Hash) -> Hash {
    if one <= other {
        keccak256(&[one.as_ref(), other.as_ref()])
    } else {
        keccak256(&[other.as_ref(), one.as_ref()])
    }
}

fn keccak256(parts: &[&[u8]]) -> Hash {
    let hasher = parts.iter().fold(Keccak256::new(), |hasher, part| hasher.chain_update(part));
    Hash::from_bytes(hasher.finalize().into())
}

/// Why there is no tree of payments, or why a payment is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayoutTreeError {
    /// There is nothing to pay.
    #[error("there are no payments")]
    NoPayments,
    /// Two payments go to one address.
    #[error("two payments go to {address}")]
    DuplicateAddress {
        /// The address.
        address: Address,
    },
    /// An address is owed 2¹²⁸ units or more.
    #[error("{address} is owed 2^128 units or more")]
    Overflow {
        /// The address.
        address: Address,
    },
    /// The proof does not lead from the payment to the root.
    #[error("the payment is not in the tree with this root")]
    NotInTree,
    /// The dump does not describe a tree of payments.
    #[error("not the dump of a tree of payments: {rule}")]
    Dump {
        /// The rule that was broken.
        rule: &'static str,
    },
}
