//! Contributions: receipt, state, inclusion.

use names::{ContributionId, HeaderHash, RoundId, SetRoot, TreeHash};
use serde::{Deserialize, Serialize};

use crate::HexBytes;

/// Where a contribution is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContributionState {
    /// Stored; a receipt has been given.
    Received,
    /// Every holder has found its share good, and the demanded proof is accepted.
    Verified,
    /// Refused, with a reason.
    Rejected,
    /// In the published sum.
    Included,
    /// Not in the sum through no fault of its own.
    Excluded,
}

/// Answer to `PUT` and `GET` of a contribution.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContributionView {
    /// The round.
    pub round_id: RoundId,
    /// The client's name for it.
    pub contribution_id: ContributionId,
    /// Hash of its header.
    pub header_hash: HeaderHash,
    /// Where it is.
    pub state: ContributionState,
    /// Why it was rejected or excluded; a stable name, see `docs/api.md`.
    pub reason: Option<String>,
    /// The signed receipt, canonical encoding.
    pub receipt: HexBytes,
    /// When it was stored.
    pub received_at_ms: i64,
}

/// `GET …/inclusion`: the leaf's data is `header_hash`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InclusionView {
    /// Merkle root of the summed set.
    pub root: SetRoot,
    /// Hash of the contribution's header.
    pub header_hash: HeaderHash,
    /// Position in the set.
    pub index: u64,
    /// Size of the set.
    pub size: u64,
    /// Siblings from the leaf upwards (RFC 9162 §2.1.3).
    pub path: Vec<TreeHash>,
    /// The signed result that names the root, canonical encoding.
    pub result: HexBytes,
}
