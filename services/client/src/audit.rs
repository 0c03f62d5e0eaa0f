//! Downloads for an auditor. Nothing is verified here: `blindsum audit` does that.

use std::path::Path;

use api::{
    log::{Entries, EntryView},
    paths,
};
use bytes::Bytes;
use names::{ContributionId, RoundId};

use crate::{Client, ClientError, transport::decode};

/// The longest bundle, in bytes. It allows 2²⁰ members with the largest headers.
const LONGEST_BUNDLE: u64 = 64 << 30;

/// The most log entries that one request asks for.
const ENTRIES_AT_ONCE: u64 = 1_000;
/// The longest answer to such a request, in bytes.
const LONGEST_ENTRIES: u64 = 256 << 20;

impl Client {
    /// Fetches log entries in order, from index `from` on. The answer has at least one entry and at
    /// most `limit`. It has fewer than `limit` when they would make a long answer, or when the log
    /// ends.
    ///
    /// This does not prove that the entries are in the log. Compute the root over all entries and
    /// compare it with a [`checkpoint`](Self::checkpoint).
    ///
    /// # Errors
    /// [`ClientError::Mismatch`] when the answer is empty or has other entries, and the errors of
    /// any exchange.
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

    /// The audit bundle of a published round: JSON, unparsed.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready` before the round is published, and the errors of
    /// any exchange.
    pub async fn bundle(&self, round: RoundId) -> Result<Bytes, ClientError> {
        self.transport.bytes(&paths::fill(paths::BUNDLE, &[&round]), LONGEST_BUNDLE).await
    }

    /// Saves the masked body of an included contribution to the file `to` and returns its length. A
    /// body longer than `limit` bytes is an error.
    ///
    /// # Errors
    /// [`ClientError::State`] when the file cannot be written, and the errors of any exchange.
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

    /// Saves the sum of a round to the file `to` and returns its length. A sum longer than `limit`
    /// bytes is an error.
    ///
    /// # Errors
    /// [`ClientError::State`] when the file cannot be written, and the errors of any exchange.
    pub async fn download_sum(&self, round: RoundId, limit: u64, to: &Path) -> Result<u64, ClientError> {
        self.transport.download(&paths::fill(paths::RESULT_SUM, &[&round]), limit, to).await
    }
}
