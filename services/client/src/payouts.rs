//! Payouts: earnings, claim addresses, and the batches that a distributor pays out.
//!
//! These answers are unsigned. The log has the same data, and an audit detects any difference. The
//! contents of a batch are compared with the root that the aggregator states for it. Compare that
//! root with the one in the distributor's contract.

use api::{
    paths,
    payouts::{Batch, ClaimAddressRequest, ClaimProof, Payout, Statement},
};
use ledger::payout_tree::{Address, Payment, PayoutTree, StandardDump, merge, verify_payment};
use names::RoundId;
use protocol::{Canonical, ClaimAddress, Signature, Signed};
use reqwest::Method;

use crate::{
    Client, ClientError, Participant,
    transport::{SMALL_ANSWER, decode},
};

/// The longest tree or list of lines, in bytes. It allows more than four million payments.
const LONGEST_BATCH: u64 = 1 << 30;
/// The first line of a batch as comma-separated values.
const CSV_HEADER: &str = "subject,address,amount";

impl Client {
    /// The earnings of all contributions to a round, in ascending order of subjects.
    ///
    /// # Errors
    /// The errors of any exchange.
    pub async fn payouts(&self, round: RoundId) -> Result<Vec<Payout>, ClientError> {
        let path = paths::fill(paths::ROUND_PAYOUTS, &[&round]);
        self.all(&path, "a page of payouts").await
    }

    /// The balances, claim addresses, latest earnings and latest claims of a participant.
    ///
    /// # Errors
    /// The errors of any exchange.
    pub async fn statement(&self, subject: &str) -> Result<Statement, ClientError> {
        self.transport.json(&paths::fill(paths::STATEMENT, &[&subject]), "a statement").await
    }

    /// States where the participant wants to be paid on a chain. Repeating the call with the same
    /// arguments is harmless.
    ///
    /// Only addresses signed with the participant's current key count, and of those the one with
    /// the largest `sequence`. A sequence that an earlier key used on the chain cannot be used
    /// again. The time in milliseconds is a good choice.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `claim-conflict` if `sequence` is used already, or is not
    /// larger than that of the address that counts. Also the errors of any exchange.
    pub async fn claim_address(
        &self,
        participant: &Participant,
        address: Address,
        chain_id: u64,
        sequence: u64,
    ) -> Result<Statement, ClientError> {
        let subject = participant.credential.subject.clone();
        let path = paths::fill(paths::CLAIM_ADDRESS, &[&subject.as_str()]);
        let message = ClaimAddress {
            aggregator_key: self.pins.aggregator,
            subject,
            address,
            chain_id,
            sequence,
            signature: Signature::BLANK,
        };
        let message = message.sign(&participant.identity).to_bytes().into();
        let body = ClaimAddressRequest { message };
        let request = || Ok(self.transport.request(Method::PUT, &path)?.json(&body));
        decode(&self.transport.exchange(request, 0, SMALL_ANSWER).await?, "a statement")
    }

    /// The claim of a participant in a batch, with the proof that the distributor's contract asks
    /// for. The proof is checked against the root in the same answer. Ask the chain whether the
    /// contract has this root.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` if the participant is not in the batch,
    /// [`ClientError::Mismatch`] when the proof does not hold, and the errors of any exchange.
    pub async fn claim_proof(&self, batch: u64, subject: &str) -> Result<ClaimProof, ClientError> {
        let path = paths::fill(paths::BATCH_CLAIM, &[&batch, &subject]);
        let view: ClaimProof = self.transport.json(&path, "a claim").await?;
        let mismatch = |field| ClientError::Mismatch { what: "claim", field };
        let address = view.address.parse().map_err(|_| mismatch("address"))?;
        let payment = Payment { address, amount: view.amount.0 };
        verify_payment(&view.root, &payment, &view.proof).map_err(|_| mismatch("proof"))?;
        Ok(view)
    }

    /// All batches, in the order in which they were made.
    ///
    /// # Errors
    /// The errors of any exchange.
    pub async fn batches(&self) -> Result<Vec<Batch>, ClientError> {
        self.all(paths::BATCHES, "a page of batches").await
    }

    /// A batch by its number: asset, root, total and payment.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found`, and the errors of any exchange.
    pub async fn batch(&self, batch: u64) -> Result<Batch, ClientError> {
        self.transport.json(&paths::fill(paths::BATCH, &[&batch]), "a batch").await
    }

    /// The tree of a batch, in the format that `@openzeppelin/merkle-tree` loads. It is computed
    /// again from its payments and compared with the root of the batch.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found`, [`ClientError::Mismatch`] when the tree has
    /// another root, and the errors of any exchange.
    pub async fn batch_tree(&self, batch: u64) -> Result<StandardDump, ClientError> {
        let root = self.batch(batch).await?.root;
        let bytes = self.transport.bytes(&paths::fill(paths::BATCH_TREE, &[&batch]), LONGEST_BATCH).await?;
        let dump: StandardDump = decode(&bytes, "a payout tree")?;
        let load = move || (PayoutTree::load(&dump).map(|tree| tree.root()), dump);
        let (found, dump) = tokio::task::spawn_blocking(load).await.expect("a tree is hashed without panic");
        if found == Ok(root) {
            Ok(dump)
        } else {
            Err(ClientError::Mismatch { what: "payout tree", field: "root" })
        }
    }

    /// The balances in a batch as comma-separated lines: subject, address, amount. Their tree is
    /// computed and compared with the root of the batch.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found`, [`ClientError::Mismatch`] when the lines have
    /// another root, and the errors of any exchange.
    pub async fn batch_csv(&self, batch: u64) -> Result<String, ClientError> {
        let mismatch = |field| ClientError::Mismatch { what: "list of payments", field };
        let root = self.batch(batch).await?.root;
        let bytes = self.transport.bytes(&paths::fill(paths::BATCH_CSV, &[&batch]), LONGEST_BATCH).await?;
        let text = String::from_utf8(bytes.into()).map_err(|_| mismatch("encoding"))?;
        let payments = payments(&text).ok_or_else(|| mismatch("lines"))?;
        let hash = move || merge(payments).and_then(PayoutTree::new).map(|tree| tree.root());
        let found = tokio::task::spawn_blocking(hash).await.expect("a tree is hashed without panic");
        if found == Ok(root) { Ok(text) } else { Err(mismatch("root")) }
    }
}

/// Parses comma-separated lines, as in [`Client::batch_csv`]. `None` when a line is malformed.
fn payments(text: &str) -> Option<Vec<Payment>> {
    let payment = |line: &str| {
        let (_, rest) = line.split_once(',')?;
        let (address, amount) = rest.split_once(',')?;
        Some(Payment { address: address.parse().ok()?, amount: amount.parse().ok()? })
    };
    let mut lines = text.lines();
    if lines.next()? == CSV_HEADER { lines.map(payment).collect() } else { None }
}
