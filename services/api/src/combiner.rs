//! The requests of the aggregator to a combiner. Each carries the service token.

use names::{HeaderHash, RoundHash, RoundId, RoundKeyId, RoundPublicKey, SetRoot};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes, problem::ProblemKind};

/// `POST /v1/round-keys`. A repeated request for the same round returns the same key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundKeyRequest {
    /// The round that the key is made for.
    pub round_id: RoundId,
}

/// Answer of `POST /v1/round-keys`: the public half of the round key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoundKeyView {
    /// The identifier of the key, which the round document names.
    pub hpke_key_id: RoundKeyId,
    /// The public key: X-Wing, which is ML-KEM-768 and then X25519.
    pub hpke_public_key: RoundPublicKey,
}

/// `POST /v1/rounds`: asks the combiner to countersign a round.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountersignRequest {
    /// The canonical round document.
    pub document: HexBytes,
    /// The aggregator's signature over the document.
    pub aggregator_signature: Hex<64>,
}

/// Answer of `POST /v1/rounds`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Countersignature {
    /// The combiner's signature over the round hash.
    pub countersignature: Hex<64>,
}

/// The most contributions that an aggregator sends in one request for attestations. Every combiner
/// must accept that many.
pub const ATTEST_BATCH: usize = 64;

/// `POST …/attestations`. A combiner may accept more than [`ATTEST_BATCH`] contributions at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttestRequest {
    /// The contributions whose shares the combiner checks.
    pub contributions: Vec<ContributionEnvelope>,
}

/// The part of a contribution that a combiner needs. Its size does not depend on the dimension.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributionEnvelope {
    /// The signed header, canonical encoding.
    pub header: HexBytes,
    /// The sealed seeds of all holders, of which the combiner opens its own.
    pub sealed_seeds: HexBytes,
}

/// Answer of `POST …/attestations`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttestResponse {
    /// One verdict for each contribution, in the order of the request.
    pub verdicts: Vec<Verdict>,
}

/// The verdict of a combiner on its share of one contribution.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The share is good. This is the signed attestation, canonical encoding.
    Attested(HexBytes),
    /// The share is not good. This is final, so asking again gives the same verdict.
    Refused {
        /// Why the share was refused.
        reason: ProblemKind,
        /// The signed refusal, canonical encoding. Absent when the bytes have no header to which it
        /// could refer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<HexBytes>,
    },
}

/// `POST …/release`: asks for the sum of the key shares of one set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCall {
    /// The signed release request, canonical encoding.
    pub request: HexBytes,
    /// Signed refusals of other combiners, canonical encodings. They excuse participants that are
    /// not in the set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<HexBytes>,
}

/// `POST /v1/rounds/{round_hash}/receipts` of a combiner, which needs no token: a participant hands
/// over its receipt. The combiner then knows of the contribution, whatever the aggregator says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptCall {
    /// The signed header of the contribution, canonical encoding.
    pub header: HexBytes,
    /// The aggregator's receipt for it, canonical encoding.
    pub receipt: HexBytes,
}

/// Answer of `POST …/release`. A combiner gives the same bytes for the same set each time, and
/// never answers for another set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReleaseView {
    /// The signed release answer, canonical encoding.
    pub answer: HexBytes,
}

/// `GET /v1/rounds/{round_hash}` of a combiner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CombinerRoundView {
    /// Round hash of the round.
    pub round_hash: RoundHash,
    /// The state of the round at this combiner.
    pub state: CombinerRoundState,
    /// Contributions whose share was found good.
    pub attested: u64,
    /// Contributions whose share was refused.
    pub refused: u64,
    /// Set root of the released set. Absent before the release.
    pub root: Option<SetRoot>,
    /// Contributions of participants that the last named set left out, one of each. At most 100.
    /// Empty unless the combiner refused to release the set because of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting_for: Vec<HeaderHash>,
    /// When the round key was destroyed. Absent while it exists.
    pub key_destroyed_at_ms: Option<i64>,
    /// The signed statement that nothing was released and that the key is destroyed, canonical
    /// encoding. Absent unless that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreleased: Option<HexBytes>,
}

/// The state of a round at a combiner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CombinerRoundState {
    /// The round is countersigned, and shares are attested.
    Countersigned,
    /// The sum of the shares was released.
    Released,
    /// The round ended without a release, and the round key is destroyed.
    Abandoned,
    /// The time until which the round could be released is over, and the round key is destroyed.
    Expired,
}
