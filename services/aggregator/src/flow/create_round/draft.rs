//! From the operator's request to a round document. The fields of the request are checked, and the
//! other fields are derived.

use api::{
    ProblemKind, paths,
    payouts::PayoutPolicy,
    rounds::{CreateRound, ProofDemand},
};
use kit::{Error, Result};
use ledger::payout::{PPM, Policy};
use masking::{ConstantsError, RoundConstants, RoundRequest};
use names::{MaskSeed, Name};
use protocol::{PayoutTerms, Proof, RoundDocument, Tensor, Tolerance};
use rand::{RngCore, rngs::OsRng};

use crate::{payouts, state::App, store::participants};

const DAY_MS: i64 = 86_400_000;

/// The smallest effective size of a cohort, if the request names none.
const MIN_EFFECTIVE: u32 = 4;

/// The document of the requested round and its constants. The document lacks only the holders.
pub(super) async fn draft(app: &App, request: &CreateRound) -> Result<(RoundDocument, RoundConstants)> {
    let now = app.now().ms();
    let model = participants::find_model(&app.db, &request.model_digest).await?;
    let model =
        model.ok_or_else(|| invalid("model_digest", "the digest of a model that has been uploaded"))?;
    let (tensors, dimension) = layout(request)?;
    if dimension > app.limits.max_dimension {
        return Err(invalid("tensors", "no more coordinates than this aggregator accepts"));
    }
    let times = Times::of(request, now)?;
    let max_total_weight = request.max_total_weight.unwrap_or_else(|| largest_total_weight(request));
    let constants = RoundConstants::derive(&RoundRequest {
        dimension,
        max_contributions: request.max_contributions,
        norm_bound: request.norm_bound,
        clip: request.clip,
        weight_min: request.weight_min,
        weight_max: request.weight_max,
        max_total_weight,
    })
    .map_err(|error| refused_constants(&error))?;
    let document = RoundDocument {
        round_id: uuid::Uuid::now_v7().into_bytes().into(),
        model_digest: request.model_digest,
        model_bytes: model.bytes.cast_unsigned(),
        model_location: paths::fill(paths::MODEL, &[&request.model_digest]),
        tensors,
        dimension,
        max_contributions: request.max_contributions,
        min_cohort: request.min_cohort,
        min_effective: request.min_effective.unwrap_or(request.min_cohort.min(MIN_EFFECTIVE)),
        max_total_weight,
        norm_bound: request.norm_bound,
        scale_log2: u8::try_from(constants.scale_log2).expect("δ is at most 44"),
        transport_bits: u8::try_from(constants.transport_bits).expect("τ is at most 32"),
        noisy_norm_bound: constants.noisy_norm_bound,
        clip: request.clip,
        scale: constants.scale,
        weight_min: request.weight_min,
        weight_max: request.weight_max,
        normalise_floor: None,
        mask_seed: draw_mask_seed(),
        opens_at_ms: times.opens_at,
        earliest_close_ms: times.earliest_close,
        closes_at_ms: times.closes_at,
        attest_by_ms: times.attest_by,
        release_by_ms: times.release_by,
        registrar_key: app.pins.registrar,
        credential_epoch: request.credential_epoch,
        holders: Vec::new(),
        tolerance: Tolerance::of(1 + app.combiners.len()),
        proof: proof(request.proof),
        max_attempts: request.max_attempts,
        scoring: None,
        payout: request.payout.as_ref().map(payout_terms).transpose()?,
        min_reputation_ppm: min_reputation(request)?,
        noise: None,
        evaluations: None,
    };
    Ok((document, constants))
}

fn draw_mask_seed() -> MaskSeed {
    let mut seed = [0; MaskSeed::LENGTH];
    OsRng.fill_bytes(&mut seed);
    seed.into()
}

fn proof(demand: ProofDemand) -> Proof {
    match demand {
        ProofDemand::None => Proof::None,
        ProofDemand::NormV2 => Proof::NormV2,
    }
}

fn min_reputation(request: &CreateRound) -> Result<u32> {
    match request.min_reputation_ppm {
        ppm @ 0..=PPM => Ok(ppm),
        _ => Err(invalid("min_reputation_ppm", "at most 1000000")),
    }
}

fn payout_terms(request: &api::payouts::PayoutTerms) -> Result<PayoutTerms> {
    let policy = match request.policy {
        PayoutPolicy::Equal => Policy::Equal,
        PayoutPolicy::Weight => Policy::Weight,
        PayoutPolicy::ScoreReputation => Policy::ScoreReputation,
    };
    if !(1..=PayoutTerms::MAX_POOL).contains(&request.pool.0) {
        return Err(invalid("payout.pool", "1 to 2^96 - 1"));
    }
    let token = request.token.as_ref().map(|token| payouts::token("payout.token", token)).transpose()?;
    Ok(PayoutTerms { policy, pool: request.pool.0, token })
}

fn layout(request: &CreateRound) -> Result<(Vec<Tensor>, u64)> {
    let mut offset = 0u64;
    let mut tensors = Vec::with_capacity(request.tensors.len());
    for (index, tensor) in request.tensors.iter().enumerate() {
        let field = |name: &str| format!("tensors[{index}].{name}");
        if tensor.name.len() > 256 || tensor.name.chars().any(char::is_control) {
            return Err(invalid(field("name"), "at most 256 bytes, no control characters"));
        }
        if tensor.shape.len() > 8 {
            return Err(invalid(field("shape"), "at most 8 axes"));
        }
        let tensor = Tensor { name: tensor.name.clone(), shape: tensor.shape.clone(), offset, scale: None };
        let end = tensor.size().and_then(|size| offset.checked_add(size));
        offset = end.ok_or_else(|| invalid(field("shape"), "at most 2^32 coordinates in all"))?;
        tensors.push(tensor);
    }
    Ok((tensors, offset))
}

fn largest_total_weight(request: &CreateRound) -> u64 {
    u64::from(request.max_contributions) * u64::from(request.weight_max)
}

/// The times of a round, in milliseconds since the Unix epoch.
struct Times {
    opens_at: i64,
    earliest_close: i64,
    closes_at: i64,
    attest_by: i64,
    release_by: i64,
}

impl Times {
    /// The times that a request asks for, with the defaults for those that it leaves out.
    fn of(request: &CreateRound, now_ms: i64) -> Result<Self> {
        let closes_at = request.closes_at_ms;
        let opens_at = request.opens_at_ms.unwrap_or(now_ms);
        let earliest_close = request.earliest_close_ms.unwrap_or(opens_at);
        let attest_by = request.attest_by_ms.unwrap_or(closes_at.saturating_add(DAY_MS));
        let release_by = closes_at.saturating_add(7 * DAY_MS).max(attest_by);
        let release_by = request.release_by_ms.unwrap_or(release_by);
        let times = Self { opens_at, earliest_close, closes_at, attest_by, release_by };
        times.check(now_ms)?;
        Ok(times)
    }

    /// Checks that the times are in order and that uploads end in the future.
    fn check(&self, now_ms: i64) -> Result<()> {
        /// The last day of the year 9999, beyond which no time is accepted.
        const END_OF_TIME_MS: i64 = 253_402_214_400_000;
        let &Self { opens_at, earliest_close, closes_at, attest_by, release_by } = self;
        if closes_at <= now_ms || closes_at > END_OF_TIME_MS {
            return Err(invalid("closes_at_ms", "a time in the future"));
        }
        if !(closes_at..=END_OF_TIME_MS).contains(&attest_by) {
            return Err(invalid("attest_by_ms", "a time not before closes_at_ms"));
        }
        if !(attest_by..=END_OF_TIME_MS).contains(&release_by) {
            return Err(invalid("release_by_ms", "a time not before attest_by_ms"));
        }
        if !(0..=closes_at).contains(&opens_at) {
            return Err(invalid("opens_at_ms", "a time not after closes_at_ms"));
        }
        if !(opens_at..=closes_at).contains(&earliest_close) {
            return Err(invalid("earliest_close_ms", "a time between opens_at_ms and closes_at_ms"));
        }
        Ok(())
    }
}

fn invalid(field: impl Into<String>, rule: &str) -> Error {
    Error::abort(ProblemKind::InvalidParameter).field(field, rule)
}

fn refused_constants(error: &ConstantsError) -> Error {
    let field = match error {
        ConstantsError::Dimension { .. } => "tensors",
        ConstantsError::Contributions { .. } => "max_contributions",
        ConstantsError::Clip { .. } => "clip",
        ConstantsError::Weights { .. } => "weight_max",
        ConstantsError::TotalWeight { .. } => "max_total_weight",
        _ => "norm_bound",
    };
    Error::abort(ProblemKind::RoundRefused).field(field, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_follow_one_another() {
        let tensor =
            |name: &str, shape: &[u32]| api::rounds::Tensor { name: name.into(), shape: shape.to_vec() };
        let request = |tensors| CreateRound::new([0; 32].into(), tensors, 2..=4, 1.0, 1, 1);
        let (tensors, dimension) = layout(&request(vec![tensor("w", &[3, 4]), tensor("b", &[])])).unwrap();
        assert_eq!((tensors[0].offset, tensors[1].offset, dimension), (0, 12, 13));
        assert!(layout(&request(vec![tensor("w", &[u32::MAX; 3])])).is_err());
        assert!(layout(&request(vec![tensor("w", &[1; 9])])).is_err());
    }

    #[test]
    fn times_are_in_order_and_end_in_the_future() {
        let check = |[opens_at, earliest_close, closes_at, attest_by, release_by]: [i64; 5], now_ms| {
            Times { opens_at, earliest_close, closes_at, attest_by, release_by }.check(now_ms)
        };
        assert!(check([5, 6, 7, 8, 9], 6).is_ok());
        assert!(check([5, 6, 7, 7, 7], 6).is_ok());
        assert!(check([5, 6, 7, 8, 9], 7).is_err());
        assert!(check([8, 8, 7, 8, 9], 6).is_err());
        assert!(check([5, 4, 7, 8, 9], 6).is_err());
        assert!(check([5, 6, 7, 6, 9], 6).is_err());
        assert!(check([5, 6, 7, 8, 7], 6).is_err());
        assert!(check([5, 6, 7, 8, i64::MAX], 6).is_err());
        assert!(check([5, 6, i64::MAX, i64::MAX, i64::MAX], 6).is_err());
    }
}
