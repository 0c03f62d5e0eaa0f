//! What all backends have in common.

use std::fmt::Debug;

/// Something that computes the bulk operations, from any thread.
pub trait Backend: Send + Sync + Debug {
    /// A short name for logs and benchmarks.
    fn name(&self) -> &'static str;
}
