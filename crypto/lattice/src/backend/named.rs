//! The trait that every backend implements.

use std::fmt::Debug;

/// An implementation of the bulk operations that any thread can use.
pub trait Backend: Send + Sync + Debug {
    /// A short name for logs and benchmarks.
    fn name(&self) -> &'static str;
}
