//! What an auditor downloads. Checking it is the auditor's.

use std::path::Path;

use api::paths;
use bytes::Bytes;

use crate::{Client, ClientError, ContributionId, RoundId};

/// The longest bundle: 2²⁰ members with the largest headers.
const LONGEST_BUNDLE: u64 = 64 << 30;

impl Client {
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
