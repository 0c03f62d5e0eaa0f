//! Creation of a round: from the operator's request to a document that every combiner has
//! countersigned.

mod draft;

use api::{
    ProblemKind,
    rounds::{CreateRound, ProofDemand, RoundView},
};
use futures::future::try_join_all;
use kit::{Error, Result, tx::run_tx, vault::round_key};
use masking::RoundConstants;
use names::RoundId;
use protocol::{Canonical, Holder, Proof, RoundDocument, VerifiedRound, roles::round::sign_document};
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use sharing::RoundKeyPair;

use self::draft::draft;
use super::sweep;
use crate::{
    combiners::{Combiner, CombinerError},
    round::preparing,
    state::App,
    store::{
        self,
        rounds::{self as stored, NewRound, RequestDigest},
    },
    stored_round,
    views::rounds,
};

/// A round that exists now, as its creator sees it.
pub(crate) enum Created {
    /// This request created it.
    First(RoundView),
    /// An earlier request with the same key created it.
    Earlier(RoundView),
}

/// Creates and opens a round. With a `request_key`, a repeated request gets the same round, in its
/// present state.
pub(crate) async fn create(app: &App, request: CreateRound, request_key: Option<String>) -> Result<Created> {
    let request_digest = digest(&request)?;
    if let Some(earlier) = earlier(app, request_key.as_deref(), &request_digest).await? {
        return opened(app, earlier).await.map(Created::Earlier);
    }
    let (mut document, constants) = draft(app, &request).await?;
    document.holders = holders(app, document.round_id).await?;
    let created = store(app, document.clone(), &constants, request_key.as_deref(), &request_digest).await;
    if let Err(error) = created {
        let error = conflict(error);
        // After a fault the round may be stored: the answer to a commit may have been lost. Then
        // the round's key must stay.
        if matches!(error, Error::Abort(_)) {
            round_key::destroy(&app.vault, document.round_id).await?;
        }
        // The same request, sent twice at once, may have been faster.
        return match earlier(app, request_key.as_deref(), &request_digest).await? {
            Some(earlier) => opened(app, earlier).await.map(Created::Earlier),
            None => Err(error),
        };
    }
    opened(app, document.round_id).await.map(Created::First)
}

/// The round that the same request created under this key, if there is one.
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

/// Opens the round, unless it is open already, and returns it. A round that ended before it was
/// open counts as never created.
async fn opened(app: &App, round_id: RoundId) -> Result<RoundView> {
    preparing::open(app, round_id).await?;
    if stored_round::find(app, round_id).await?.countersignatures.is_empty() {
        let detail = format!("round {round_id} ended before it was open; another key makes another");
        return Err(Error::abort(ProblemKind::RoundEnded).detail(detail));
    }
    rounds::show(app, round_id).await
}

fn digest(request: &CreateRound) -> Result<RequestDigest> {
    let request = serde_json::to_vec(request).map_err(Error::fault)?;
    Ok(RequestDigest::from_bytes(Sha256::digest(request).into()))
}

/// The holders, each with a new key for the round. The aggregator comes first.
async fn holders(app: &App, round_id: RoundId) -> Result<Vec<Holder>> {
    let combiners = try_join_all(app.combiners.iter().map(|combiner| holder(combiner, round_id)));
    let combiners = combiners.await.map_err(|error| preparing::refused("round key", error))?;
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
    let round = VerifiedRound::trusted(document)?;
    let payout_asset = round.document().payout.map(|terms| terms.asset().to_string());
    let new = NewRound {
        document: round.document(),
        bytes: &round.document().to_bytes(),
        round_hash: round.hash(),
        signature: &sign_document(round.document(), &app.identity),
        chunks,
        proof: match round.document().proof {
            Proof::None => ProofDemand::None,
            Proof::NormV2 => ProofDemand::NormV2,
        },
        request_key,
        request_digest,
        payout_asset: payout_asset.as_deref(),
    };
    let now = app.now();
    let round_id = round.document().round_id;
    // If the creation took this long, the sweeper may have destroyed the round's key.
    if sweep::created_at(&round_id).is_none_or(|at| now.ms_since(at) > sweep::LONGEST_CREATION_MS) {
        return Err(Error::unavailable("the creation of the round took too long"));
    }
    run_tx(&app.db, "create round", async |mut tx| {
        preparing::enter(&mut tx, &new, now).await?;
        Ok((tx, ()))
    })
    .await
}

/// Names the conflict with another round, if the error is such a conflict.
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
