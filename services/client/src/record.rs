//! The aggregator's log: its signed checkpoints, and the proofs against them.

use api::{
    log::{CheckpointView, ConsistencyView, LogInclusionView},
    paths,
};
use ledger::Checkpoint;
use names::RoundId;
use protocol::Receipt;

use crate::{Client, ClientError};

/// A checkpoint that the aggregator has signed.
#[derive(Clone, Debug)]
pub struct SignedCheckpoint {
    /// Its contents: name of the log, size and root.
    pub checkpoint: Checkpoint,
    /// The signed note. Keep it: [`continued`](Client::continued) shows that a later log still has
    /// everything that this one has.
    pub note: String,
}

impl Client {
    /// Fetches the latest checkpoint and checks its signature.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready` before the first checkpoint,
    /// [`ClientError::Mismatch`] if it is not signed with the pinned key, and the errors of any
    /// exchange.
    pub async fn checkpoint(&self) -> Result<SignedCheckpoint, ClientError> {
        let view: CheckpointView = self.transport.json(paths::LOG_CHECKPOINT, "a checkpoint").await?;
        self.open_checkpoint(view.note)
    }

    /// Checks the signature of a checkpoint. Any name of the log is accepted, because the key
    /// identifies it.
    ///
    /// # Errors
    /// [`ClientError::Mismatch`] when the pinned aggregator did not sign it.
    pub fn open_checkpoint(&self, note: String) -> Result<SignedCheckpoint, ClientError> {
        let opened = Checkpoint::open_under(&note, &self.pins.aggregator, &[]);
        let opened = opened.map_err(|_| ClientError::Mismatch { what: "checkpoint", field: "note" })?;
        Ok(SignedCheckpoint { checkpoint: opened.checkpoint, note })
    }

    /// Checks that the contribution of this receipt is in the signed log. Returns the index of its
    /// entry and the checkpoint that covers it.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready` if no checkpoint covers the contribution yet,
    /// [`ClientError::Mismatch`] when the proof does not hold or the entry is about something else,
    /// and the errors of any exchange.
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

    /// Fetches the latest checkpoint and checks that its log continues the one of an `earlier`
    /// note: every entry of the earlier log is still there, unchanged. Returns the latest
    /// checkpoint. `earlier` may come from any storage, because it is signed too.
    ///
    /// # Errors
    /// [`ClientError::Mismatch`] if the log was rewritten or cut, or if either note is not signed
    /// by the pinned aggregator. Also the errors of any exchange.
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
