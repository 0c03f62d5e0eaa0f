//! The aggregator's log: checkpoints under its key, and proofs under checkpoints.

use api::{
    log::{CheckpointView, ConsistencyView, LogInclusionView},
    paths,
};
use ledger::{Checkpoint, note::Verifier};
use names::RoundId;
use protocol::Receipt;

use crate::{Client, ClientError};

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
        let verifier = Verifier::ed25519(origin, &self.pins.aggregator);
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
        let path = paths::fill(paths::CONTRIBUTION_LOG, &[&round, &receipt.contribution_id]);
        let view: LogInclusionView = self.transport.json(&path, "a proof of inclusion").await?;
        let signed = self.open_checkpoint(view.checkpoint.note)?;
        let mismatch = |field| ClientError::Mismatch { what: "log entry", field };
        let leaf = ledger::leaf_hash(view.entry.payload.as_bytes());
        let Checkpoint { root, size, .. } = &signed.checkpoint;
        ledger::verify_inclusion(root, *size, view.entry.index, &leaf, &view.path)
            .map_err(|_| mismatch("path"))?;
        let entry: serde_json::Value =
            serde_json::from_str(&view.entry.payload).map_err(|_| mismatch("payload"))?;
        let row = &entry["row"];
        let is = |field: &str, name: &dyn std::fmt::Display| row[field] == name.to_string();
        let expected = entry["table"] == "contributions"
            && is("round_id", &round)
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
        let Checkpoint { root, size, .. } = &later.checkpoint;
        ledger::verify_consistency(earlier.size, &earlier.root, *size, root, &view.path)
            .map_err(|_| mismatch())?;
        Ok(later)
    }
}
