//! The log of everything recorded: checkpoints, entries, proofs (RFC 9162 §2.1).

use names::TreeHash;
use serde::{Deserialize, Serialize};

/// `GET /v1/log/checkpoint`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckpointView {
    /// Entries that it covers.
    pub size: u64,
    /// Root of their tree.
    pub root: TreeHash,
    /// The signed note that says so; the rest is for convenience.
    pub note: String,
    /// When it was signed.
    pub signed_at_ms: i64,
}

/// An entry of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntryView {
    /// Its place.
    pub index: u64,
    /// The data of the leaf, in UTF-8: JSON with the table, the key and the protected columns of a row.
    pub payload: String,
    /// SHA-256 of a zero byte and the payload.
    pub leaf_hash: TreeHash,
}

/// `GET /v1/log/entries`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entries {
    /// At most as many as asked for, in order.
    pub entries: Vec<EntryView>,
}

/// `GET /v1/log/entries/{index}` and `GET …/contributions/{contribution}/log`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogInclusionView {
    /// The entry.
    pub entry: EntryView,
    /// The checkpoint whose tree it is shown to be in.
    pub checkpoint: CheckpointView,
    /// Siblings from the leaf upwards (RFC 9162 §2.1.3).
    pub path: Vec<TreeHash>,
}

/// `GET /v1/log/consistency`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConsistencyView {
    /// Size of the earlier tree.
    pub from: u64,
    /// Size of the later one.
    pub to: u64,
    /// Nodes (RFC 9162 §2.1.4).
    pub path: Vec<TreeHash>,
}
