//! A batch as it was handed to the distributor, with its lines and its tree of payments.

use api::{
    ProblemKind,
    payouts::{Amount, ClaimProof},
};
use kit::{Error, Result};
use ledger::payout_tree::{Address, Payment, PayoutTree, StandardDump, merge};
use names::{Subject, TreeHash};

use crate::store::batches::LineRow;

/// A batch with its tree.
pub(crate) struct HandedOver {
    batch_id: u64,
    /// The lines, in ascending order of subjects.
    lines: Vec<LineRow>,
    /// The tree of payments, which are in ascending order of addresses.
    tree: PayoutTree,
}

impl HandedOver {
    /// Builds the batch from its lines, which are in ascending order of subjects. This computes one
    /// hash for each line and each node.
    ///
    /// # Errors
    /// A fault if the lines make no tree.
    pub(crate) fn new(batch_id: u64, lines: Vec<LineRow>) -> Result<Self> {
        let tree = tree(lines.iter().map(|line| payment(line.address, &line.amount)))?;
        Ok(Self { batch_id, lines, tree })
    }

    pub(crate) fn batch_id(&self) -> u64 {
        self.batch_id
    }

    pub(crate) fn root(&self) -> TreeHash {
        self.tree.root()
    }

    /// The tree in the format of `@openzeppelin/merkle-tree`.
    pub(crate) fn dump(&self) -> StandardDump {
        self.tree.dump()
    }

    /// The lines as comma-separated values.
    pub(crate) fn csv(&self) -> String {
        let mut text = "subject,address,amount\n".to_owned();
        for LineRow { subject, address, amount, .. } in &self.lines {
            // A subject has only letters, digits, dots, underscores and hyphens, so it needs no
            // quotation marks.
            text += &format!("{subject},{},{amount}\n", Address::from_bytes(*address));
        }
        text
    }

    /// The payment to a participant's address, with its path in the tree.
    ///
    /// # Errors
    /// An abort if the participant has no line.
    pub(crate) fn proof(&self, subject: &Subject) -> Result<ClaimProof> {
        let line = self.lines.binary_search_by_key(&subject, |line| &line.subject.0);
        let line = line.map_err(|_| Error::abort(ProblemKind::NotFound))?;
        let (address, payments) = (Address::from_bytes(self.lines[line].address), self.tree.payments());
        let index = payments.binary_search_by_key(&address, |payment| payment.address).ok();
        let found = index.and_then(|index| Some((&payments[index], self.tree.proof(index)?)));
        let (payment, proof) = found.ok_or_else(|| Error::fault("a line is not in the tree"))?;
        Ok(ClaimProof {
            batch_id: self.batch_id,
            root: self.root(),
            address: address.to_string(),
            amount: Amount(payment.amount),
            proof,
        })
    }
}

/// The payment of a line.
pub(crate) fn payment(address: [u8; 20], digits: &str) -> Result<Payment> {
    Ok(Payment { address: Address::from_bytes(address), amount: amount(digits)?.0 })
}

/// The tree of these payments.
pub(crate) fn tree(payments: impl IntoIterator<Item = Result<Payment>>) -> Result<PayoutTree> {
    let payments = payments.into_iter().collect::<Result<Vec<Payment>>>()?;
    PayoutTree::new(merge(payments).map_err(Error::fault)?).map_err(Error::fault)
}

/// Parses an amount from the decimal digits that the database holds.
pub(crate) fn amount(digits: &str) -> Result<Amount> {
    digits.parse().map_err(Error::fault)
}
