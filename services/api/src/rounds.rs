//! Rounds: creation, state, document and result.

use std::ops::RangeInclusive;

use names::{ModelDigest, RoundHash, RoundId, SetRoot, SumDigest};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes, participants::StateCounts, payouts::PayoutTerms};

/// `POST /v1/rounds`. All other fields of the round document are derived (`docs/wire-formats.md`
/// §4).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRound {
    /// SHA-256 of a model that was uploaded before.
    pub model_digest: ModelDigest,
    /// The tensors of an update, in order.
    pub tensors: Vec<Tensor>,
    /// The capacity of the round. The round closes when this many contributions are verified, but
    /// not before `earliest_close_ms`.
    pub max_contributions: u32,
    /// The smallest cohort. No sum over fewer contributions is published.
    pub min_cohort: u32,
    /// The smallest effective size of the cohort, (Σw)²/Σw² over its weights w. If absent, 4 or
    /// `min_cohort` if that is smaller.
    #[serde(default)]
    pub min_effective: Option<u32>,
    /// The largest total weight of the contributions. If absent, `max_contributions` times
    /// `weight_max`.
    #[serde(default)]
    pub max_total_weight: Option<u64>,
    /// The bound on the norm of an honest quantised update of the largest weight, an integer.
    #[serde(default = "default_norm_bound")]
    pub norm_bound: u64,
    /// The norm ‖x‖₂ to which a client clips its update, before it is weighted.
    pub clip: f64,
    /// Smallest weight a contribution may carry.
    #[serde(default = "one")]
    pub weight_min: u32,
    /// Largest weight a contribution may carry.
    #[serde(default = "one")]
    pub weight_max: u32,
    /// When uploads begin. If absent, now.
    pub opens_at_ms: Option<i64>,
    /// The earliest time at which the round may close, whether it is full or the operator asks. If
    /// absent, the opening time.
    pub earliest_close_ms: Option<i64>,
    /// When uploads end.
    pub closes_at_ms: i64,
    /// Until when combiners attest contributions. If absent, a day after `closes_at_ms`.
    #[serde(default)]
    pub attest_by_ms: Option<i64>,
    /// Until when combiners release the round. If absent, seven days after `closes_at_ms`, or
    /// `attest_by_ms` if that is later.
    #[serde(default)]
    pub release_by_ms: Option<i64>,
    /// The epoch of the credentials that count in this round.
    pub credential_epoch: u32,
    /// The proof that every contribution must carry.
    #[serde(default)]
    pub proof: ProofDemand,
    /// The most contributions that a participant may send, including rejected ones.
    #[serde(default = "two")]
    pub max_attempts: u8,
    /// What the round pays. If absent, it pays nothing.
    #[serde(default)]
    pub payout: Option<PayoutTerms>,
    /// The smallest reputation that is admitted, in millionths. 0 admits everybody.
    #[serde(default)]
    pub min_reputation_ppm: u32,
}

impl CreateRound {
    /// A request whose other fields have their defaults. The sizes of the cohort are `min_cohort`
    /// and `max_contributions`.
    pub fn new(
        model_digest: ModelDigest,
        tensors: Vec<Tensor>,
        cohort: RangeInclusive<u32>,
        clip: f64,
        closes_at_ms: i64,
        credential_epoch: u32,
    ) -> Self {
        Self {
            model_digest,
            tensors,
            max_contributions: *cohort.end(),
            min_cohort: *cohort.start(),
            min_effective: None,
            max_total_weight: None,
            norm_bound: default_norm_bound(),
            clip,
            weight_min: one(),
            weight_max: one(),
            opens_at_ms: None,
            earliest_close_ms: None,
            closes_at_ms,
            attest_by_ms: None,
            release_by_ms: None,
            credential_epoch,
            proof: ProofDemand::None,
            max_attempts: two(),
            payout: None,
            min_reputation_ppm: 0,
        }
    }
}

fn default_norm_bound() -> u64 {
    1 << 18
}

fn one() -> u32 {
    1
}

fn two() -> u8 {
    2
}

/// One tensor of an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Its name, of at most 256 bytes.
    pub name: String,
    /// Its shape. A scalar has an empty one.
    pub shape: Vec<u32>,
}

/// Which proof a round demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofDemand {
    /// No proof. The round trusts participants to keep to the norm bound.
    #[default]
    None,
    /// A zero-knowledge proof of the norm, version 2.
    NormV2,
}

/// The state of a round. A round passes through these states in order, except for the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundState {
    /// The combiners are asked for countersignatures.
    Preparing,
    /// Uploads are accepted between opening and closing time.
    Open,
    /// Uploads have ended. Stored contributions are still being verified.
    Settling,
    /// The set is fixed, and the bodies of its members are being added.
    Folding,
    /// The combiners are asked for the sum of their key shares.
    Releasing,
    /// The sum is being unmasked.
    Unmasking,
    /// The result and the bundle are public.
    Published,
    /// The round ended without a result. `failure` says why.
    Failed,
    /// The operator ended the round before its set was fixed.
    Cancelled,
}

/// A round as the aggregator shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoundView {
    /// The round id, chosen by the aggregator.
    pub round_id: RoundId,
    /// Round hash: the hash of the round document.
    pub round_hash: RoundHash,
    /// Its state when the aggregator answered.
    pub state: RoundState,
    /// Coordinates of an update.
    pub dimension: u64,
    /// The smallest cohort that is published.
    pub min_cohort: u32,
    /// The capacity of the round.
    pub max_contributions: u32,
    /// When uploads begin.
    pub opens_at_ms: i64,
    /// When uploads end.
    pub closes_at_ms: i64,
    /// The proof that contributions must carry.
    pub proof: ProofDemand,
    /// Its contributions by state.
    pub progress: StateCounts,
    /// Progress of the work between the end of uploads and the result.
    pub chunks: ChunkProgress,
    /// Set root. Absent until the set is fixed.
    pub root: Option<SetRoot>,
    /// The combiner that the round waits for. Absent unless the round is releasing and a combiner
    /// has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Why the round failed. Absent unless it did.
    pub failure: Option<RoundFailure>,
    /// The signed statements of combiners that nothing of the round was released, canonical
    /// encodings, in the order of the combiners. Absent in a list, and in a round that was not
    /// ended without a release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreleased: Vec<HexBytes>,
}

/// A combiner whose sum of key shares a round waits for. The round fails if it waits until
/// `release_by`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The combiner's index among the holders.
    pub holder: u8,
    /// The code of the combiner's problem: `unavailable`, `round-not-open` or `left-out`.
    pub reason: String,
}

/// The public reason why a round failed. The operator finds the details in the log of the service
/// and in the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundFailure {
    /// The stable name, for programs.
    pub code: FailureCode,
    /// The sentence for people. It is the same for every occurrence.
    pub title: String,
}

impl From<FailureCode> for RoundFailure {
    fn from(code: FailureCode) -> Self {
        Self { code, title: code.title().to_owned() }
    }
}

/// The reason why a round failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// A combiner did not countersign the round.
    NotCountersigned,
    /// Fewer contributions were verified than `min_cohort`.
    CohortTooSmall,
    /// The key shares of the set were not released.
    NotReleased,
    /// The operator ended the round after its set was fixed.
    EndedByOperator,
    /// The aggregator could not finish the round. A name that this version does not know is read as
    /// this reason.
    #[serde(other)]
    Internal,
}

impl FailureCode {
    /// Every reason, for documentation and tests.
    pub const ALL: &[Self] = &[
        Self::NotCountersigned,
        Self::CohortTooSmall,
        Self::NotReleased,
        Self::EndedByOperator,
        Self::Internal,
    ];

    /// The sentence for people. It is the same for every occurrence.
    pub fn title(self) -> &'static str {
        match self {
            Self::NotCountersigned => "A combiner did not countersign the round.",
            Self::CohortTooSmall => "Fewer contributions were verified than min_cohort.",
            Self::NotReleased => "The key shares of the set were not released.",
            Self::EndedByOperator => "The operator ended the round after its set was fixed.",
            Self::Internal => "The aggregator could not finish the round.",
        }
    }
}

/// Progress of the work that grows with the dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkProgress {
    /// Chunks of an update, of 2²⁰ coordinates each.
    pub total: u32,
    /// Chunks whose bodies were added.
    pub folded: u32,
    /// Chunks of the sum that were unmasked.
    pub unmasked: u32,
}

/// `GET /v1/rounds/{round}/document`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedRound {
    /// The canonical round document.
    pub document: HexBytes,
    /// The aggregator's signature over the document.
    pub aggregator_signature: Hex<64>,
    /// The countersignatures of the combiners, in the order of the holders.
    pub countersignatures: Vec<Hex<64>>,
}

/// `GET /v1/rounds/{round}/result`. Only `result` is signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResultView {
    /// The round id.
    pub round_id: RoundId,
    /// Round hash: the hash of the round document.
    pub round_hash: RoundHash,
    /// Set root of the summed set.
    pub root: SetRoot,
    /// Number of contributions in the sum.
    pub count: u32,
    /// Sum of their weights.
    pub total_weight: u64,
    /// Merkle root over the digests of the chunks of the sum.
    pub sum_digest: SumDigest,
    /// A diagnostic: the largest distance of a coordinate from a multiple of Δ, in units of 1/Δ.
    pub residual_max: u64,
    /// The norm ‖mean‖₂ of the decoded mean.
    pub mean_norm: f64,
    /// A summary of each tensor of the mean, in the order of the document.
    pub tensors: Vec<TensorSummary>,
    /// The signed result, canonical encoding.
    pub result: HexBytes,
    /// When it was published.
    pub published_at_ms: i64,
}

/// Summary of one tensor of the decoded mean.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TensorSummary {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u32>,
    /// Mean of its coordinates.
    pub mean: f64,
    /// Smallest coordinate.
    pub min: f32,
    /// Largest coordinate.
    pub max: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_new_round_and_every_state_is_documented() {
        use RoundState as S;

        let page = include_str!("../../../docs/api.md");
        let round = CreateRound::new(ModelDigest::from_bytes([0; 32]), Vec::new(), 2..=2, 1.0, 1, 1);
        let round = serde_json::to_value(&round).unwrap();
        let table = page.split("| field | range | default | what |").nth(1).unwrap();
        let table = table.split("\n\n").next().unwrap();
        for field in round.as_object().unwrap().keys() {
            let is_first =
                |row: &str| row.split('|').nth(1).is_some_and(|names| names.contains(&format!("`{field}`")));
            assert!(table.lines().any(is_first), "{field}");
        }
        let states = page.lines().find(|line| line.contains("`?state=`")).unwrap();
        let all = [
            S::Preparing,
            S::Open,
            S::Settling,
            S::Folding,
            S::Releasing,
            S::Unmasking,
            S::Published,
            S::Failed,
            S::Cancelled,
        ];
        for state in all {
            let name = serde_json::to_value(state).unwrap();
            assert!(states.contains(&format!("`{}`", name.as_str().unwrap())), "{name}");
        }
    }

    #[test]
    fn every_cause_of_failure_is_documented_and_an_unknown_one_is_read() {
        let page = include_str!("../../../docs/api.md");
        for &code in FailureCode::ALL {
            let name = serde_json::to_string(&code).unwrap();
            let row = format!("| `{}` | {} |", name.trim_matches('"'), code.title());
            assert!(page.contains(&row), "{row}");
            assert_eq!(serde_json::from_str::<FailureCode>(&name).unwrap(), code);
        }
        assert_eq!(serde_json::from_str::<FailureCode>("\"of-tomorrow\"").unwrap(), FailureCode::Internal);
    }
}
