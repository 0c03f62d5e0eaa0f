//! The audit bundle (`docs/wire-formats.md` §10).

use names::{ContributionId, PublicKey};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes};

/// `GET /v1/rounds/{round}/bundle`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bundle {
    /// 1.
    pub version: u32,
    /// The round document.
    pub document: HexBytes,
    /// The key that signed it.
    pub aggregator_key: PublicKey,
    /// Its signature.
    pub aggregator_signature: Hex<64>,
    /// The combiners' countersignatures, in order.
    pub countersignatures: Vec<Hex<64>>,
    /// The summed set, in the order of the root.
    pub members: Vec<BundleMember>,
    /// Sums of key shares, the aggregator's first.
    pub answers: Vec<HexBytes>,
    /// The signed result.
    pub result: HexBytes,
}

/// One contribution of the summed set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BundleMember {
    /// The client's name for it.
    pub contribution_id: ContributionId,
    /// The signed header.
    pub header: HexBytes,
    /// Its norm proof; empty where the round demands none.
    pub proof: HexBytes,
    /// The combiners' attestations, in order.
    pub attestations: Vec<HexBytes>,
}
