//! The audit bundle: everything that is needed to recompute a published round
//! (`docs/wire-formats.md` §10).

use names::{ContributionId, PublicKey};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes};

/// `GET /v1/rounds/{round}/bundle`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bundle {
    /// Version of this format: 2.
    pub version: u32,
    /// The canonical round document.
    pub document: HexBytes,
    /// The identity key of the aggregator, which signed the document and the result.
    pub aggregator_key: PublicKey,
    /// The aggregator's signature over the document.
    pub aggregator_signature: Hex<64>,
    /// The countersignatures of the combiners, in the order of the holders.
    pub countersignatures: Vec<Hex<64>>,
    /// The members of the set, in the order of the set root.
    pub members: Vec<BundleMember>,
    /// The sums of key shares, one signed answer from each holder. The aggregator comes first.
    pub answers: Vec<HexBytes>,
    /// The signed result, canonical encoding.
    pub result: HexBytes,
}

/// A member of the set, with everything that is signed about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BundleMember {
    /// The contribution id, drawn by the client.
    pub contribution_id: ContributionId,
    /// The signed header, canonical encoding.
    pub header: HexBytes,
    /// The norm proof. Empty if the round does not demand one.
    pub proof: HexBytes,
    /// The attestations of the combiners, in the order of the holders.
    pub attestations: Vec<HexBytes>,
}
