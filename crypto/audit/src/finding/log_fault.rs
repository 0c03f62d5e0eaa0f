//! Faults of the log.

use thiserror::Error;

/// The log is not the one that was signed, or has impossible entries.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogFault {
    /// A checkpoint covers other entries than these.
    #[error("the log's entries have another root: it was rewritten, or the copy was")]
    Root,
    /// A checkpoint covers more entries than there are.
    #[error("the log is shorter: fetch it again, or it has lost entries")]
    Short,
    /// The last checkpoint covers another number of entries.
    #[error("there are {entries} entries, and the checkpoint covers {covered}")]
    Size {
        /// Entries that were read.
        entries: u64,
        /// Entries that the last checkpoint covers.
        covered: u64,
    },
    /// A demanded witness has signed nothing.
    #[error("has signed none of the checkpoints")]
    Silent,
    /// The text is not an entry.
    #[error("is no entry")]
    NotAnEntry(#[source] serde_json::Error),
    /// A row that never changes has a second entry.
    #[error("{table} {key} is in the log already, and its rows never change")]
    Repeated {
        /// The table.
        table: String,
        /// The row's key.
        key: String,
    },
    /// A row lacks a column of its table, or has a value of another kind.
    #[error("has another row than its table")]
    Row(#[source] serde_json::Error),
}
