//! The reasons why an audit ends without a good verdict.

use masking::MaskingError;
use thiserror::Error;

use crate::Finding;

/// Why a round was not verified. `E` is the error of the caller's [`Published`](crate::Published).
#[derive(Debug, Error)]
pub enum AuditError<E> {
    /// Something is wrong with the round.
    #[error(transparent)]
    Finding(#[from] Finding),
    /// The published bytes could not be read.
    #[error("the published bytes cannot be read")]
    Source(#[source] E),
    /// The arithmetic itself failed. That says nothing about the round.
    #[error("the computation failed")]
    Computation(#[from] MaskingError),
}
