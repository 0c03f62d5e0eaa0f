//! What the aggregator asks of a combiner. All of it under the services' shared secret.

use names::{RoundHash, RoundId, RoundKeyId, RoundPublicKey, SetRoot};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes, problem::ProblemKind};

/// `POST /v1/round-keys`. Repeating the request gives the same key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundKeyRequest {
    /// The round for which the key will be used.
    pub round_id: RoundId,
}

/// The public half of a round's HPKE key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoundKeyView {
    /// Its identifier.
    pub hpke_key_id: RoundKeyId,
    /// X25519.
    pub hpke_public_key: RoundPublicKey,
}

/// `POST /v1/rounds`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountersignRequest {
    /// The canonical round document.
    pub document: HexBytes,
    /// The aggregator's signature.
    pub aggregator_signature: Hex<64>,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Countersignature {
    /// The combiner's signature over the round hash.
    pub countersignature: Hex<64>,
}

/// An aggregator sends no more contributions in one request to attest, and every combiner takes as many.
pub const ATTEST_BATCH: usize = 64;

/// `POST …/attestations`: as many contributions at once as the combiner takes, [`ATTEST_BATCH`] at least.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestRequest {
    /// The contributions whose shares are to be checked.
    pub contributions: Vec<ContributionEnvelope>,
}

/// What a combiner needs of a contribution: O(1), whatever the dimension.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributionEnvelope {
    /// The signed header.
    pub header: HexBytes,
    /// The sealed seeds of all holders.
    pub sealed_seeds: HexBytes,
}

/// The answers, in the order of the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttestResponse {
    /// One for each contribution.
    pub verdicts: Vec<Verdict>,
}

/// What a combiner says of one contribution.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The share is good: the signed attestation.
    Attested(HexBytes),
    /// It is not, and never will be.
    Refused {
        /// The reason.
        reason: ProblemKind,
    },
}

/// `POST …/release`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCall {
    /// The signed release request, canonical encoding.
    pub request: HexBytes,
}

/// The answer: always the same bytes for the same set, never any for another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReleaseView {
    /// The signed release answer, canonical encoding.
    pub answer: HexBytes,
}

/// `GET /v1/rounds/{round_hash}` of a combiner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CombinerRoundView {
    /// Hash of the document.
    pub round_hash: RoundHash,
    /// Where it is.
    pub state: CombinerRoundState,
    /// Contributions attested.
    pub attested: u64,
    /// Contributions refused.
    pub refused: u64,
    /// Root of the released set.
    pub root: Option<SetRoot>,
    /// When the round's key was destroyed.
    pub key_destroyed_at_ms: Option<i64>,
}

/// A round as a combiner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CombinerRoundState {
    /// Countersigned; shares are attested.
    Countersigned,
    /// The sum of the shares has been released.
    Released,
    /// Ended without a release.
    Abandoned,
}
