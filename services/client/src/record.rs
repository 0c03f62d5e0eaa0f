//! The aggregator's log, and what it says about money: checked against its key, its signature and each other.

use api::{
    log::{CheckpointView, ConsistencyView, LogInclusionView},
    participants::Page,
    paths,
    payouts::{ClaimAddressRequest, ClaimProof, Payout, Statement},
};
use ledger::{
    Checkpoint,
    note::Verifier,
    payout_tree::{Address, Payment, verify_payment},
};
use protocol::{Canonical, ClaimAddress, Receipt, Signature, Signed};
use reqwest::Method;

use crate::{
    Client, ClientError, Hex, Participant, RoundId,
    transport::{SMALL_ANSWER, decode},
};

/// A checkpoint that the aggregator has signed.
#[derive(Clone, Debug)]
pub struct SignedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note, worth keeping: later ones have to continue it.
    pub note: String,
}

impl Client {
    /// The aggregator's last checkpoint.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready` if there is none yet, [`ClientError::Mismatch`] if it is not signed with the
    /// pinned key, and the errors of any exchange.
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, ClientError> {
        let view: CheckpointView = self.transport.json(paths::LOG_CHECKPOINT, "a checkpoint").await?;
        self.open_checkpoint(view.note)
    }

    /// Checks a checkpoint's signature, under whatever name the log has.
    ///
    /// # Errors
    /// [`ClientError::Mismatch`].
    pub fn open_checkpoint(&self, note: String) -> Result<SignedCheckpoint, ClientError> {
        let origin = note.lines().next().unwrap_or_default();
        let verifier = Verifier::ed25519(origin, &self.pins.aggregator.0);
        let opened = verifier.and_then(|verifier| Checkpoint::open(&note, &verifier, &[]));
        let opened = opened.map_err(|_| ClientError::Mismatch { what: "checkpoint", field: "note" })?;
        Ok(SignedCheckpoint { checkpoint: opened.checkpoint, note })
    }

    /// Checks that the contribution of this receipt is in the signed log; returns its entry's index and the checkpoint.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready` if no checkpoint covers it yet; [`ClientError::Mismatch`] when the proof
    /// does not hold or the entry is about something else; the errors of any exchange.
    pub async fn logged(
        &self,
        round: RoundId,
        receipt: &Receipt,
    ) -> Result<(u64, SignedCheckpoint), ClientError> {
        let path = paths::fill(paths::CONTRIBUTION_LOG, &[&round, &Hex(receipt.contribution_id)]);
        let view: LogInclusionView = self.transport.json(&path, "a proof of inclusion").await?;
        let signed = self.open_checkpoint(view.checkpoint.note)?;
        let mismatch = |field| ClientError::Mismatch { what: "log entry", field };
        let siblings: Vec<[u8; 32]> = view.path.iter().map(|sibling| sibling.0).collect();
        let leaf = ledger::leaf_hash(view.entry.payload.as_bytes());
        let Checkpoint { root, size, .. } = &signed.checkpoint;
        ledger::verify_inclusion(root, *size, view.entry.index, &leaf, &siblings)
            .map_err(|_| mismatch("path"))?;
        let entry: serde_json::Value =
            serde_json::from_str(&view.entry.payload).map_err(|_| mismatch("payload"))?;
        let row = &entry["row"];
        let is = |field: &str, bytes: &[u8]| row[field] == hex::encode(bytes);
        let expected = entry["table"] == "contributions"
            && is("round_id", &round.0)
            && is("contribution_id", &receipt.contribution_id)
            && is("header_hash", &receipt.header_hash);
        if expected { Ok((view.entry.index, signed)) } else { Err(mismatch("row")) }
    }

    /// Checks that the aggregator's last checkpoint continues an earlier one, from wherever it was kept; returns the last.
    ///
    /// # Errors
    /// [`ClientError::Mismatch`] if the log was rewritten, or either note is not the aggregator's; the errors of any exchange.
    pub async fn continued(&self, earlier: &str) -> Result<SignedCheckpoint, ClientError> {
        let earlier = self.open_checkpoint(earlier.to_owned())?.checkpoint;
        let later = self.checkpoint().await?;
        let mismatch = || ClientError::Mismatch { what: "log", field: "consistency" };
        if later.checkpoint.size < earlier.size {
            return Err(mismatch());
        }
        let path = format!("{}?from={}&to={}", paths::LOG_CONSISTENCY, earlier.size, later.checkpoint.size);
        let view: ConsistencyView = self.transport.json(&path, "a proof of consistency").await?;
        let nodes: Vec<[u8; 32]> = view.path.iter().map(|node| node.0).collect();
        let Checkpoint { root, size, .. } = &later.checkpoint;
        ledger::verify_consistency(earlier.size, &earlier.root, *size, root, &nodes)
            .map_err(|_| mismatch())?;
        Ok(later)
    }

    /// What the contributions of a round earned, in ascending order of subjects.
    ///
    /// # Errors
    /// The errors of any exchange.
    pub async fn payouts(&self, round: RoundId) -> Result<Vec<Payout>, ClientError> {
        let pages = format!("{}?limit=1000", paths::fill(paths::ROUND_PAYOUTS, &[&round]));
        let mut payouts = Vec::new();
        let mut path = pages.clone();
        loop {
            let page: Page<Payout> = self.transport.json(&path, "a page of payouts").await?;
            payouts.extend(page.items);
            match page.next {
                Some(after) => path = format!("{pages}&after={after}"),
                None => return Ok(payouts),
            }
        }
    }

    /// What a participant earned and was paid.
    ///
    /// # Errors
    /// The errors of any exchange.
    pub async fn statement(&self, subject: &str) -> Result<Statement, ClientError> {
        self.transport.json(&paths::fill(paths::STATEMENT, &[&subject]), "a statement").await
    }

    /// Says where the participant wants to be paid on a chain. The address with the largest `sequence` counts. Repeating it is
    /// harmless.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `claim-conflict` if an address with this or a later sequence is stored; the errors of any
    /// exchange.
    pub async fn claim_address(
        &self,
        participant: &Participant,
        address: Address,
        chain_id: u64,
        sequence: u64,
    ) -> Result<Statement, ClientError> {
        let subject = participant.credential.subject.clone();
        let path = paths::fill(paths::CLAIM_ADDRESS, &[&subject.as_str()]);
        let message = ClaimAddress { subject, address, chain_id, sequence, signature: Signature::BLANK };
        let message = message.sign(&participant.identity).to_bytes().into();
        let body = ClaimAddressRequest { message };
        let request = || Ok(self.transport.request(Method::PUT, &path)?.json(&body));
        decode(&self.transport.exchange(request, 0, SMALL_ANSWER).await?, "a statement")
    }

    /// What the distributor's contract is shown for a participant in a batch, checked against the batch's root.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found` if the participant is not in the batch; [`ClientError::Mismatch`] when the proof
    /// does not hold; the errors of any exchange.
    pub async fn claim_proof(&self, batch: u64, subject: &str) -> Result<ClaimProof, ClientError> {
        let path = paths::fill(paths::BATCH_CLAIM, &[&batch, &subject]);
        let view: ClaimProof = self.transport.json(&path, "a claim").await?;
        let mismatch = |field| ClientError::Mismatch { what: "claim", field };
        let address = view.address.parse().map_err(|_| mismatch("address"))?;
        let siblings: Vec<[u8; 32]> = view.proof.iter().map(|sibling| sibling.0).collect();
        let payment = Payment { address, amount: view.amount.0 };
        verify_payment(&view.root.0, &payment, &siblings).map_err(|_| mismatch("proof"))?;
        Ok(view)
    }
}
