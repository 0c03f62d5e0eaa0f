//! How far a contribution is.

use std::sync::Arc;

/// A step of a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Clipping and rounding to integers.
    Quantising,
    /// Masking, chunk by chunk.
    Masking,
    /// Proving the norm, where the round demands it; every chunk is read twice.
    Proving,
    /// Sending the finished message.
    Uploading,
}

/// `done` of `total` units: chunks while masking and proving, bytes while uploading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The step.
    pub phase: Phase,
    /// Units done. It starts anew when an upload is repeated.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}

/// Called from any thread, not too often, and must not block.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;

/// For callers who do not want to know.
pub fn ignore_progress() -> ProgressFn {
    Arc::new(|_| ())
}
