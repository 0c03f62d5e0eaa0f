//! Creation of a round: from the operator's request to a document that every combiner has countersigned.

use api::{
    ProblemKind, paths,
    payouts::PayoutPolicy,
    rounds::{CreateRound, ProofDemand, RoundView},
};
use futures::future::try_join_all;
use kit::{Error, Result, tx::run_tx, vault::round_key};
use ledger::payout::{PPM, Policy};
use masking::{ConstantsError, RoundConstants, RoundRequest};
use names::RoundId;
use protocol::{
    Canonical, Holder, PayoutTerms, Proof, RoundDocument, Tensor, VerifiedRound, roles::round::sign_document,
};
use rand::{RngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use sharing::RoundKeyPair;

use super::{open_round, payouts, rounds, sweep};
use crate::{
    combiners::{Combiner, CombinerError},
    state::App,
    store::{
        self,
        jobs::{self, Kind},
        participants,
        rounds::{self as stored, NewRound, RequestDigest},
    },
};

/// A creation that was interrupted is taken up again after this long.
const RESUME_AFTER_MS: i64 = 60_000;

/// Whether a round was created by this request or by an earlier one with the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    Now,
    Before,
}

/// Creates and opens a round. With a `request_key`, repeating the request gives the same round as it is then.
pub(crate) async fn create(
    app: &App,
    request: CreateRound,
    request_key: Option<String>,
) -> Result<(Created, RoundView)> {
    let request_digest = digest(&request)?;
    if let Some(earlier) = earlier(app, request_key.as_deref(), &request_digest).await? {
        return opened(app, earlier).await.map(|view| (Created::Before, view));
    }
    let (mut document, constants) = draft(app, &request).await?;
    document.holders = holders(app, document.round_id).await?;
    let created = store(app, document.clone(), &constants, request_key.as_deref(), &request_digest).await;
    if let Err(error) = created {
        let error = conflict(error);
        // After a fault the round may be there: a commit whose answer was lost. Then its key has to be there too.
        if matches!(error, Error::Abort(_)) {
            round_key::destroy(&app.vault, document.round_id).await?;
        }
        // The same request, sent twice at once, may have been faster.
        return match earlier(app, request_key.as_deref(), &request_digest).await? {
            Some(earlier) => opened(app, earlier).await.map(|view| (Created::Before, view)),
            None => Err(error),
        };
    }
    opened(app, document.round_id).await.map(|view| (Created::Now, view))
}

/// The round that was created under this key, if it was by the same request.
async fn earlier(app: &App, key: Option<&str>, request_digest: &RequestDigest) -> Result<Option<RoundId>> {
    let Some(key) = key else { return Ok(None) };
    match stored::find_by_request(&app.db, key).await? {
        Some(round) if *round.request_digest != *request_digest => {
            let rule = "a key belongs to one request";
            Err(Error::abort(ProblemKind::InvalidParameter).field("Idempotency-Key", rule))
        }
        round => Ok(round.map(|round| round.round_id.0)),
    }
}

/// The round, opened if it is not yet. One that ended before it was open was never created, as far as anybody can see.
async fn opened(app: &App, round_id: RoundId) -> Result<RoundView> {
    open_round::open(app, round_id).await?;
    if rounds::find(app, round_id).await?.countersignatures.is_empty() {
        let detail = format!("round {round_id} ended before it was open; another key makes another");
        return Err(Error::abort(ProblemKind::RoundEnded).detail(detail));
    }
    rounds::show(app, round_id).await
}

fn digest(request: &CreateRound) -> Result<RequestDigest> {
    let request = serde_json::to_vec(request).map_err(Error::fault)?;
    Ok(RequestDigest::from_bytes(Sha256::digest(request).into()))
}

/// The document as far as the request tells, without holders.
async fn draft(app: &App, request: &CreateRound) -> Result<(RoundDocument, RoundConstants)> {
    let now = app.now().ms();
    let model = participants::find_model(&app.db, &request.model_digest).await?;
    let model =
        model.ok_or_else(|| invalid("model_digest", "the digest of a model that has been uploaded"))?;
    let (tensors, dimension) = layout(request)?;
    if dimension > app.limits.max_dimension {
        return Err(invalid("tensors", "no more coordinates than this aggregator accepts"));
    }
    let opens_at_ms = request.opens_at_ms.unwrap_or(now);
    let earliest_close_ms = request.earliest_close_ms.unwrap_or(opens_at_ms);
    check_times(opens_at_ms, earliest_close_ms, request.closes_at_ms, now)?;
    let constants = RoundConstants::derive(&RoundRequest {
        dimension,
        max_contributions: request.max_contributions,
        norm_bound: request.norm_bound,
        clip: request.clip,
    })
    .map_err(|error| refused_constants(&error))?;
    let mut mask_seed = [0; 32];
    OsRng.fill_bytes(&mut mask_seed);
    let document = RoundDocument {
        round_id: uuid::Uuid::now_v7().into_bytes().into(),
        model_digest: request.model_digest,
        model_bytes: model.bytes.cast_unsigned(),
        model_location: paths::fill(paths::MODEL, &[&request.model_digest]),
        tensors,
        dimension,
        max_contributions: request.max_contributions,
        min_cohort: request.min_cohort,
        norm_bound: request.norm_bound,
        scale_log2: u8::try_from(constants.scale_log2).expect("δ is at most 44"),
        transport_bits: u8::try_from(constants.transport_bits).expect("τ is at most 32"),
        noisy_norm_bound: constants.noisy_norm_bound,
        clip: request.clip,
        scale: constants.scale,
        weight_min: request.weight_min,
        weight_max: request.weight_max,
        mask_seed: mask_seed.into(),
        opens_at_ms,
        earliest_close_ms,
        closes_at_ms: request.closes_at_ms,
        registrar_key: app.pins.registrar,
        credential_epoch: request.credential_epoch,
        holders: Vec::new(),
        proof: match request.proof {
            ProofDemand::None => Proof::None,
            ProofDemand::NormV1 => Proof::NormV1,
        },
        max_attempts: request.max_attempts,
        payout: request.payout.as_ref().map(payout_terms).transpose()?,
        min_reputation_ppm: match request.min_reputation_ppm {
            ppm @ 0..=PPM => ppm,
            _ => return Err(invalid("min_reputation_ppm", "at most 1000000")),
        },
    };
    Ok((document, constants))
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
        let tensor = Tensor { name: tensor.name.clone(), shape: tensor.shape.clone(), offset };
        let end = tensor.size().and_then(|size| offset.checked_add(size));
        offset = end.ok_or_else(|| invalid(field("shape"), "at most 2^32 coordinates in all"))?;
        tensors.push(tensor);
    }
    Ok((tensors, offset))
}

fn check_times(opens_at_ms: i64, earliest_close_ms: i64, closes_at_ms: i64, now_ms: i64) -> Result<()> {
    /// The last day of the year 9999, beyond which no time is accepted.
    const END_OF_TIME_MS: i64 = 253_402_214_400_000;
    if closes_at_ms <= now_ms || closes_at_ms > END_OF_TIME_MS {
        return Err(invalid("closes_at_ms", "a time in the future"));
    }
    if !(0..=closes_at_ms).contains(&opens_at_ms) {
        return Err(invalid("opens_at_ms", "a time not after closes_at_ms"));
    }
    if !(opens_at_ms..=closes_at_ms).contains(&earliest_close_ms) {
        return Err(invalid("earliest_close_ms", "a time between opens_at_ms and closes_at_ms"));
    }
    Ok(())
}

fn invalid(field: impl Into<String>, rule: &str) -> Error {
    Error::abort(ProblemKind::InvalidParameter).field(field, rule)
}

fn refused_constants(error: &ConstantsError) -> Error {
    let field = match error {
        ConstantsError::Dimension { .. } => "tensors",
        ConstantsError::Contributions { .. } => "max_contributions",
        ConstantsError::Clip { .. } => "clip",
        _ => "norm_bound",
    };
    Error::abort(ProblemKind::RoundRefused).field(field, error.to_string())
}

/// A fresh key of the aggregator's own, and one of every combiner.
async fn holders(app: &App, round_id: RoundId) -> Result<Vec<Holder>> {
    let combiners = try_join_all(app.combiners.iter().map(|combiner| holder(combiner, round_id)));
    let combiners = combiners.await.map_err(|error| open_round::failure("round key", error))?;
    let key = RoundKeyPair::generate(&mut OsRng);
    round_key::create(&app.vault, round_id, &key).await?;
    let own =
        Holder { identity_key: app.pins.aggregator, hpke_key_id: *key.id(), hpke_public_key: *key.public() };
    Ok(std::iter::once(own).chain(combiners).collect())
}

async fn holder(combiner: &Combiner, round_id: RoundId) -> std::result::Result<Holder, CombinerError> {
    let key = combiner.round_key(round_id).await?;
    Ok(Holder {
        identity_key: combiner.identity_key,
        hpke_key_id: key.hpke_key_id,
        hpke_public_key: key.hpke_public_key,
    })
}

async fn store(
    app: &App,
    document: RoundDocument,
    constants: &RoundConstants,
    request_key: Option<&str>,
    request_digest: &RequestDigest,
) -> Result<()> {
    let chunks = i32::try_from(constants.chunks()).expect("2^32 coordinates are 4096 chunks");
    let round = VerifiedRound::own(document)?;
    let payout_asset = round.document().payout.map(|terms| payouts::asset(terms.token.as_ref()));
    let new = NewRound {
        document: round.document(),
        bytes: &round.document().to_bytes(),
        round_hash: round.hash(),
        signature: &sign_document(round.document(), &app.identity),
        chunks,
        proof: match round.document().proof {
            Proof::None => ProofDemand::None,
            Proof::NormV1 => ProofDemand::NormV1,
        },
        request_key,
        request_digest,
        payout_asset: payout_asset.as_deref(),
    };
    let now = app.now();
    let (round_id, resume_at) = (round.document().round_id, now.plus_ms(RESUME_AFTER_MS));
    // The sweeper may already have destroyed the key of an unstored round this old.
    if sweep::created_at(&round_id).is_none_or(|at| now.ms_since(at) > sweep::LONGEST_CREATION_MS) {
        return Err(Error::unavailable("the creation of the round took too long"));
    }
    run_tx(&app.db, "create round", async |mut tx| {
        stored::insert(&mut tx, &new, now).await?;
        jobs::enqueue(&mut tx, Kind::Prepare, &round_id, &[String::new()], resume_at, now).await?;
        Ok((tx, ()))
    })
    .await
}

/// Names the conflict with another round, if that is what the error is.
fn conflict(error: Error) -> Error {
    let kind = error.database().and_then(|error| {
        let is = |constraint| store::violates(error, constraint);
        if is("rounds_one_for_a_model") {
            Some(ProblemKind::ModelInUse)
        } else if is("rounds_request_key_key") {
            Some(ProblemKind::RoundState)
        } else {
            None
        }
    });
    kind.map_or(error, Error::abort)
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn tensors_follow_one_another() {
        let tensor =
            |name: &str, shape: &[u32]| api::rounds::Tensor { name: name.into(), shape: shape.to_vec() };
        let request = |tensors| CreateRound {
            model_digest: [0; 32].into(),
            tensors,
            max_contributions: 4,
            min_cohort: 2,
            norm_bound: 1 << 18,
            clip: 1.0,
            weight_min: 1,
            weight_max: 1,
            opens_at_ms: None,
            earliest_close_ms: None,
            closes_at_ms: 1,
            credential_epoch: 1,
            proof: ProofDemand::None,
            max_attempts: 2,
            payout: None,
            min_reputation_ppm: 0,
        };
        let (tensors, dimension) = layout(&request(vec![tensor("w", &[3, 4]), tensor("b", &[])])).unwrap();
        assert_eq!((tensors[0].offset, tensors[1].offset, dimension), (0, 12, 13));
        assert!(layout(&request(vec![tensor("w", &[u32::MAX; 3])])).is_err());
        assert!(layout(&request(vec![tensor("w", &[1; 9])])).is_err());
    }

    #[test]
    fn times_are_in_order_and_end_in_the_future() {
        assert!(check_times(5, 6, 7, 6).is_ok());
        assert!(check_times(5, 6, 7, 7).is_err());
        assert!(check_times(8, 8, 7, 6).is_err());
        assert!(check_times(5, 4, 7, 6).is_err());
        assert!(check_times(5, 6, i64::MAX, 6).is_err());
    }
}
