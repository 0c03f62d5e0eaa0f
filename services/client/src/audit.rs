//! What an auditor downloads. Checking it is the auditor's.

use std::path::Path;

use api::{
    log::{Entries, EntryView},
    paths,
};
use bytes::Bytes;
use names::{ContributionId, RoundId};

use crate::{Client, ClientError, transport::decode};

/// The longest bundle: 2²⁰ members with the largest headers.
const LONGEST_BUNDLE: u64 = 64 << 30;

/// The most entries that are asked for at once.
const ENTRIES_AT_ONCE: u64 = 1_000;
/// The longest answer with so many entries.
const LONGEST_ENTRIES: u64 = 256 << 20;

impl Client {
    /// Entries of the log from the one with index `from`, in order, at most `limit` of them, fewer where that is a long
    /// answer. Whether they are in the log is for a checkpoint to say.
    ///
    /// # Errors
    /// [`ClientError::Mismatch`] when other entries come, or none, and the errors of any exchange.
    pub async fn log_entries(&self, from: u64, limit: u64) -> Result<Vec<EntryView>, ClientError> {
        let limit = limit.min(ENTRIES_AT_ONCE);
        let path = format!("{}?from={from}&limit={limit}", paths::LOG_ENTRIES);
        let answer: Entries =
            decode(&self.transport.bytes(&path, LONGEST_ENTRIES).await?, "entries of the log")?;
        let count = answer.entries.len() as u64;
        let in_order = (from..).zip(&answer.entries).all(|(index, entry)| entry.index == index);
        if in_order && (1..=limit).contains(&count) {
            Ok(answer.entries)
        } else {
            Err(ClientError::Mismatch { what: "log entries", field: "index" })
        }
    }

    /// The audit bundle of a round, as JSON.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready`, and the errors of any exchange.
    pub async fn bundle(&self, round: RoundId) -> Result<Bytes, ClientError> {
        self.transport.bytes(&paths::fill(paths::BUNDLE, &[&round]), LONGEST_BUNDLE).await
    }

    /// Saves the masked body of an included contribution, of at most `limit` bytes, and returns its length.
    ///
    /// # Errors
    /// [`ClientError::State`] for the file, and the errors of any exchange.
    pub async fn download_body(
        &self,
        round: RoundId,
        contribution: ContributionId,
        limit: u64,
        to: &Path,
    ) -> Result<u64, ClientError> {
        let path = paths::fill(paths::CONTRIBUTION_BODY, &[&round, &contribution]);
        self.transport.download(&path, limit, to).await
    }

    /// Saves the sum of a round, of at most `limit` bytes, and returns its length.
    ///
    /// # Errors
    /// [`ClientError::State`] for the file, and the errors of any exchange.
    pub async fn download_sum(&self, round: RoundId, limit: u64, to: &Path) -> Result<u64, ClientError> {
        self.transport.download(&paths::fill(paths::RESULT_SUM, &[&round]), limit, to).await
    }
}
