//! Contributions: their states, receipts, and proofs of inclusion.

use names::{ContributionId, HeaderHash, RoundId, SetRoot, TreeHash};
use serde::{Deserialize, Serialize};

use crate::HexBytes;

/// The state of a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContributionState {
    /// Stored. The participant has a receipt.
    Received,
    /// Every holder found its share good, and the proof was accepted if the round demands one.
    Verified,
    /// Found bad after it was stored. `reason` says why.
    Rejected,
    /// In the published sum.
    Included,
    /// Left out of the sum without a fault of its own. `reason` says why.
    Excluded,
}

/// Answer to `PUT` and `GET` of a contribution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContributionView {
    /// The round that it belongs to.
    pub round_id: RoundId,
    /// The contribution id, drawn by the client.
    pub contribution_id: ContributionId,
    /// Hash of its header. Receipts and proofs name the contribution by it.
    pub header_hash: HeaderHash,
    /// Its state when the aggregator answered.
    pub state: ContributionState,
    /// Why it was rejected or excluded: a stable name from `docs/api.md`. Absent in other states.
    pub reason: Option<String>,
    /// The signed receipt, canonical encoding.
    pub receipt: HexBytes,
    /// When it was stored.
    pub received_at_ms: i64,
}

/// `GET …/inclusion`: the proof that a contribution is in the set. The data of its leaf is
/// `header_hash`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InclusionView {
    /// Set root, as the result states it.
    pub root: SetRoot,
    /// Hash of the contribution's header.
    pub header_hash: HeaderHash,
    /// Index in the set.
    pub index: u64,
    /// Number of members in the set.
    pub size: u64,
    /// Sibling hashes from the leaf upwards (RFC 9162 §2.1.3).
    pub path: Vec<TreeHash>,
    /// The signed result, which names the root. Canonical encoding.
    pub result: HexBytes,
}
