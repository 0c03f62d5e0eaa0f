//! The file `standard-v1`, which the tools of the npm package read.

use serde::{Deserialize, Serialize};

use super::{Address, Payment, PayoutTree, PayoutTreeError};

const FORMAT: &str = "standard-v1";
const LEAF_ENCODING: [&str; 2] = ["address", "uint256"];

/// The JSON that `StandardMerkleTree.dump()` writes and `StandardMerkleTree.load()` reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StandardDump {
    /// Always `standard-v1`.
    pub format: String,
    /// Always `["address", "uint256"]`.
    pub leaf_encoding: Vec<String>,
    /// The nodes, the root first, each as `0x` and 64 hexadecimal digits.
    pub tree: Vec<String>,
    /// The payments, each with its leaf.
    pub values: Vec<DumpedValue>,
}

/// A payment and the index of its leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DumpedValue {
    /// The address and the decimal amount.
    pub value: [String; 2],
    /// The index of the leaf in `tree`.
    pub tree_index: usize,
}

impl PayoutTree {
    /// Writes the tree for other tools.
    pub fn dump(&self) -> StandardDump {
        let value = |(payment, &tree_index): (&Payment, &usize)| DumpedValue {
            value: [payment.address.to_string(), payment.amount.to_string()],
            tree_index,
        };
        StandardDump {
            format: FORMAT.to_owned(),
            leaf_encoding: LEAF_ENCODING.map(str::to_owned).to_vec(),
            tree: self.nodes.iter().map(|node| format!("0x{}", hex::encode(node))).collect(),
            values: self.payments.iter().zip(&self.leaf_nodes).map(value).collect(),
        }
    }

    /// The tree that a dump describes, computed again from its payments.
    ///
    /// # Errors
    /// [`PayoutTreeError::Dump`] if the format is another one, or if the nodes or indices are not
    /// those of the payments. The errors of [`PayoutTree::new`].
    pub fn load(dump: &StandardDump) -> Result<Self, PayoutTreeError> {
        let rule = |holds: bool, rule| if holds { Ok(()) } else { Err(PayoutTreeError::Dump { rule }) };
        rule(dump.format == FORMAT, "the format is standard-v1")?;
        rule(dump.leaf_encoding == LEAF_ENCODING, "a leaf is an address and a uint256")?;
        let tree = Self::new(dump.values.iter().map(payment).collect::<Result<_, _>>()?)?;
        let expected = tree.dump();
        let same_places = dump.values.iter().zip(&expected.values).all(|(a, b)| a.tree_index == b.tree_index);
        rule(same_places && dump.tree == expected.tree, "the nodes are those of the payments")?;
        Ok(tree)
    }
}

fn payment(value: &DumpedValue) -> Result<Payment, PayoutTreeError> {
    let [address, amount] = &value.value;
    let address: Address =
        address.parse().map_err(|_| PayoutTreeError::Dump { rule: "addresses are valid" })?;
    let wrong = PayoutTreeError::Dump { rule: "amounts are decimal numbers below 2^128" };
    let number: u128 = amount.parse().map_err(|_| wrong)?;
    if number.to_string() != *amount {
        return Err(wrong);
    }
    Ok(Payment { address, amount: number })
}
