//! The log over the record: checkpoints, entries and proofs (RFC 9162 §2.1).

use names::TreeHash;
use serde::{Deserialize, Serialize};

/// `GET /v1/log/checkpoint`. Only `note` is signed. The other fields repeat it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckpointView {
    /// Number of entries that it covers.
    pub size: u64,
    /// Merkle root over these entries.
    pub root: TreeHash,
    /// The checkpoint as a signed note, which is what clients verify.
    pub note: String,
    /// When it was signed.
    pub signed_at_ms: i64,
}

/// An entry of the log: a row as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntryView {
    /// Its index in the log, from 0.
    pub index: u64,
    /// The data of the leaf, as UTF-8 text: a JSON object with the table, the key and the protected
    /// columns of the row.
    pub payload: String,
    /// The leaf hash: SHA-256 of a zero byte and the payload.
    pub leaf_hash: TreeHash,
}

/// `GET /v1/log/entries`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entries {
    /// Entries in order, at most as many as the request asked for.
    pub entries: Vec<EntryView>,
}

/// `GET /v1/log/entries/{index}` and `GET …/contributions/{contribution}/log`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogInclusionView {
    /// The entry.
    pub entry: EntryView,
    /// The checkpoint against which `path` proves the entry.
    pub checkpoint: CheckpointView,
    /// Sibling hashes from the leaf upwards (RFC 9162 §2.1.3).
    pub path: Vec<TreeHash>,
}

/// `GET /v1/log/consistency`: the proof that the log only grew between two sizes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConsistencyView {
    /// Size of the earlier tree.
    pub from: u64,
    /// Size of the later one.
    pub to: u64,
    /// Hashes of the proof, in the order of RFC 9162 §2.1.4.
    pub path: Vec<TreeHash>,
}
