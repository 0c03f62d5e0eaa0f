//! Rounds: creation, progress, result.

use names::{ModelDigest, RoundHash, RoundId, SetRoot, SumDigest};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes, participants::StateCounts, payouts::PayoutTerms};

/// `POST /v1/rounds`. What is not asked for here is derived (`docs/wire-formats.md` §4).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRound {
    /// SHA-256 of a model that has been uploaded.
    pub model_digest: ModelDigest,
    /// The tensors of an update, in order.
    pub tensors: Vec<Tensor>,
    /// Close when this many contributions are verified, but not before `earliest_close_ms`.
    pub max_contributions: u32,
    /// Never publish a sum over fewer.
    pub min_cohort: u32,
    /// ‖x‖₂ of an honest quantised update, an integer.
    #[serde(default = "default_norm_bound")]
    pub norm_bound: u64,
    /// ‖u‖₂ to which a client clips its (weighted) update.
    pub clip: f64,
    /// Smallest weight a contribution may carry.
    #[serde(default = "one")]
    pub weight_min: u32,
    /// Largest weight a contribution may carry.
    #[serde(default = "one")]
    pub weight_max: u32,
    /// When uploads start to be accepted; now, if absent.
    pub opens_at_ms: Option<i64>,
    /// Before this the round does not close, neither full nor at the operator's request; the opening, if absent.
    pub earliest_close_ms: Option<i64>,
    /// When uploads stop being accepted.
    pub closes_at_ms: i64,
    /// Epoch of the credentials that count.
    pub credential_epoch: u32,
    /// The proof every contribution must carry.
    #[serde(default)]
    pub proof: ProofDemand,
    /// How many contributions a participant may send, counting rejected ones.
    #[serde(default = "two")]
    pub max_attempts: u8,
    /// What the round pays; nothing, if absent.
    #[serde(default)]
    pub payout: Option<PayoutTerms>,
    /// Reputation below which nobody is admitted, in millionths; 0 admits everybody.
    #[serde(default)]
    pub min_reputation_ppm: u32,
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
    /// Its name, at most 256 bytes.
    pub name: String,
    /// Its shape; a scalar has none.
    pub shape: Vec<u32>,
}

/// Which proof a round demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProofDemand {
    /// None: participants are trusted to keep to the norm.
    #[default]
    None,
    /// A zero-knowledge proof of the norm, version 1.
    NormV1,
}

/// Where a round is. In this order, except for the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundState {
    /// Countersignatures are being collected.
    Preparing,
    /// Uploads are accepted between opening and closing time.
    Open,
    /// No more uploads; the ones stored are still being verified.
    Settling,
    /// The set is fixed; its ciphertexts are being added.
    Folding,
    /// The combiners are asked for the sum of their key shares.
    Releasing,
    /// The sum is being unmasked.
    Unmasking,
    /// The result and the audit bundle are public.
    Published,
    /// Ended without a result; `failure` says why.
    Failed,
    /// Ended by the operator before its set was fixed.
    Cancelled,
}

/// A round as the aggregator shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoundView {
    /// Its identifier, chosen by the aggregator.
    pub round_id: RoundId,
    /// Hash of its document.
    pub round_hash: RoundHash,
    /// Where it is.
    pub state: RoundState,
    /// Coordinates of an update.
    pub dimension: u64,
    /// Size of the smallest cohort.
    pub min_cohort: u32,
    /// Size of the largest cohort.
    pub max_contributions: u32,
    /// When uploads start.
    pub opens_at_ms: i64,
    /// When uploads stop.
    pub closes_at_ms: i64,
    /// The proof demanded.
    pub proof: ProofDemand,
    /// Contributions so far, by state.
    pub progress: StateCounts,
    /// Chunks added and chunks unmasked, of how many; during closing.
    pub chunks: ChunkProgress,
    /// Merkle root of the summed set, once fixed.
    pub root: Option<SetRoot>,
    /// Why the round failed.
    pub failure: Option<RoundFailure>,
}

/// Why a round failed, as everybody is told. The particulars are in the operator's log and database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundFailure {
    /// The stable name.
    pub code: FailureCode,
    /// The sentence that is the same for every occurrence.
    pub title: String,
}

impl From<FailureCode> for RoundFailure {
    fn from(code: FailureCode) -> Self {
        Self { code, title: code.title().to_owned() }
    }
}

/// The stable name of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCode {
    /// A combiner did not countersign the round.
    NotCountersigned,
    /// Fewer contributions were verified than `min_cohort`.
    CohortTooSmall,
    /// The key shares of the set were not released.
    NotReleased,
    /// The operator ended it after its set was fixed.
    EndedByOperator,
    /// The aggregator could not finish it; also what this version does not know.
    #[serde(other)]
    Internal,
}

impl FailureCode {
    /// Every cause, for documentation and tests.
    pub const ALL: &[Self] = &[
        Self::NotCountersigned,
        Self::CohortTooSmall,
        Self::NotReleased,
        Self::EndedByOperator,
        Self::Internal,
    ];

    /// The sentence that is the same for every occurrence.
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
    /// Chunks of an update (2²⁰ coordinates each).
    pub total: u32,
    /// Chunks added.
    pub folded: u32,
    /// Chunks unmasked.
    pub unmasked: u32,
}

/// `GET /v1/rounds/{round}/document`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedRound {
    /// The canonical document.
    pub document: HexBytes,
    /// The aggregator's signature.
    pub aggregator_signature: Hex<64>,
    /// The combiners' countersignatures, in order.
    pub countersignatures: Vec<Hex<64>>,
}

/// `GET /v1/rounds/{round}/result`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResultView {
    /// The round.
    pub round_id: RoundId,
    /// Hash of its document.
    pub round_hash: RoundHash,
    /// Merkle root of the summed set.
    pub root: SetRoot,
    /// Contributions in the sum.
    pub count: u32,
    /// Sum of their weights.
    pub total_weight: u64,
    /// Merkle root over the chunks of the sum.
    pub sum_digest: SumDigest,
    /// Largest distance from a multiple of Δ, in units of 1/Δ: a diagnostic.
    pub residual_max: u64,
    /// ‖mean‖₂.
    pub mean_norm: f64,
    /// Mean of each tensor's coordinates, smallest, largest.
    pub tensors: Vec<TensorSummary>,
    /// The signed result, canonical encoding.
    pub result: HexBytes,
    /// When it was published.
    pub published_at_ms: i64,
}

/// One tensor of the decoded mean.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TensorSummary {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<u32>,
    /// Average of its coordinates.
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
        let round = CreateRound {
            model_digest: ModelDigest::from_bytes([0; 32]),
            tensors: Vec::new(),
            max_contributions: 2,
            min_cohort: 2,
            norm_bound: default_norm_bound(),
            clip: 1.0,
            weight_min: one(),
            weight_max: one(),
            opens_at_ms: None,
            earliest_close_ms: None,
            closes_at_ms: 1,
            credential_epoch: 1,
            proof: ProofDemand::None,
            max_attempts: two(),
            payout: None,
            min_reputation_ppm: 0,
        };
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
