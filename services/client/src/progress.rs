//! Progress of a contribution.

use std::sync::Arc;

/// A step of a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Clipping and rounding to integers.
    Quantising,
    /// Masking, chunk by chunk.
    Masking,
    /// Proving the norm, if the round demands it. Every chunk is read twice.
    Proving,
    /// Sending the finished message.
    Uploading,
}

/// How far a phase is: `done` of `total` units. A unit is a chunk while masking, one reading of a
/// chunk while proving, and a byte while uploading. Quantising is a single unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The phase that is running.
    pub phase: Phase,
    /// Units done. It starts again from zero when an upload is repeated.
    pub done: u64,
    /// Units of the whole phase.
    pub total: u64,
}

/// A callback for progress. It is called from any thread, after each unit or, while uploading,
/// after each read of the file. It must not block.
pub type ProgressFn = Arc<dyn Fn(Progress) + Send + Sync>;

/// A callback that does nothing.
pub fn ignore_progress() -> ProgressFn {
    Arc::new(|_| ())
}
