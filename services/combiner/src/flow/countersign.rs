//! Countersigns round documents. The signature binds this combiner to exactly the round that the
//! document describes.

use api::ProblemKind;
use kit::{
    Error, Result,
    tx::{Tx, run_tx},
};
use names::RoundId;
use protocol::{
    Canonical, Refusal, RoundDocument, Signature, VerifiedRound,
    roles::combiner::{CombinerPolicy, countersign as sign},
};
use sharing::RoundKeyPair;

use super::{epochs, round_key};
use crate::{
    metrics,
    state::App,
    store::{round_keys, rounds, times},
};

/// Countersigns a document that keeps to the policy. Refuses it if another document was
/// countersigned under its round id, if another open round starts from the same model, or if too
/// many open rounds have its registrar and its layout. The same document always gets the same
/// signature.
///
/// # Errors
/// An abort of kind `malformed-message`, `round-refused`, `signature-refused`, `model-in-use`,
/// `layout-in-use`, `round-state` or `round-key-destroyed`. A fault if the service itself fails.
pub(crate) async fn countersign(app: &App, document: Vec<u8>, signature: [u8; 64]) -> Result<[u8; 64]> {
    let decoded = RoundDocument::from_bytes(&document).map_err(Refusal::malformed("round document"))?;
    if let Some(earlier) = rounds::by_id(&app.db, &decoded.round_id).await? {
        return if earlier.document == document { Ok(earlier.countersignature) } else { Err(taken()) };
    }
    let key = own_key(app, decoded.round_id).await?;
    let (round, holder) = accept(app, document.clone(), Signature(signature), key).await?;
    let countersignature = sign(&round, holder, &app.identity).0;
    let observed_ms = times::observed(&app.db).await?;
    let new = rounds::NewRound {
        round: &round,
        document: &document,
        signature,
        holder,
        countersignature,
        observed_ms,
    };
    let inserted = run_tx(&app.db, "countersign", |tx| insert(tx, app, &new)).await?;
    if inserted {
        metrics::countersigned();
        return Ok(countersignature);
    }
    // Another request has used this round id first.
    match rounds::by_id(&app.db, &round.document().round_id).await? {
        Some(other) if other.document == document => Ok(other.countersignature),
        _ => Err(taken()),
    }
}

async fn insert(mut tx: Tx, app: &App, new: &rounds::NewRound<'_>) -> Result<(Tx, bool)> {
    let round_id = new.round.document().round_id;
    round_keys::lock(&mut tx, &round_id).await?;
    // The key existed before this transaction, but a sweep may have destroyed it since. Under the
    // lock no sweep can.
    round_key::load(app, round_id).await?;
    let document = new.round.document();
    times::lock_registrar(&mut tx, &document.registrar_key).await?;
    let taken = rounds::by_id(&mut *tx, &round_id).await?.is_some();
    if !taken && rounds::count_open(&mut tx, document).await? >= app.open_rounds_for_a_layout {
        let detail = "another open round has the same registrar and the same layout";
        return Err(Error::abort(ProblemKind::LayoutInUse).detail(detail));
    }
    match rounds::insert(&mut tx, new, app.now()).await {
        Ok(inserted) => Ok((tx, inserted)),
        Err(error) if rounds::is_model_in_use(&error) => Err(Error::abort(ProblemKind::ModelInUse)),
        Err(error) => Err(error.into()),
    }
}

/// Loads the key that this combiner made for the round. Refuses the document if it made none.
async fn own_key(app: &App, round_id: RoundId) -> Result<RoundKeyPair> {
    if round_keys::find(&app.db, &round_id).await?.is_none() {
        return Err(Refusal::Document { rule: "the combiner made a key for this round" }.into());
    }
    round_key::load(app, round_id).await
}

async fn accept(
    app: &App,
    document: Vec<u8>,
    signature: Signature,
    key: RoundKeyPair,
) -> Result<(VerifiedRound, u8)> {
    let policy: CombinerPolicy = app.policy.clone();
    let (own, now_ms) = (app.identity.public(), app.now().ms());
    let lowest_epoch = epochs::lowest(app).await?;
    let accept = move || policy.accept(&document, &signature, &own, &key, now_ms, lowest_epoch);
    Ok(app.compute.run(accept).await??)
}

fn taken() -> Error {
    Error::abort(ProblemKind::RoundState)
        .detail("another document was countersigned under this round identifier")
}
