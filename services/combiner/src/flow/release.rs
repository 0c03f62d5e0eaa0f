//! Releases the sum of this combiner's key shares over one set of a round, once and never over
//! another set. A set that leaves out too much of the company is not released.
//!
//! The order of the steps ensures this. The company is fixed before a set is compared with it. The
//! vault is bound to the set root before anything is answered. The answer is durable before the key
//! is destroyed. The key is destroyed before the answer is sent.

use std::sync::Arc;

use api::{HexBytes, ProblemKind, combiner::ReleaseCall};
use kit::{
    Error, Result,
    column::Column,
    tx::{Tx, run_tx},
    vault::round_key,
};
use names::{RoundHash, SetRoot};
use protocol::{
    Canonical, Refusal, ReleaseRequest, Signed, VerifiedRound,
    roles::combiner::{AttestedMember, answer, check_release},
};
use sharing::RoundKeyPair;

use super::{
    company::{self, NamedSet},
    destroy,
    round_key::{destroyed, find},
};
use crate::{
    metrics,
    state::App,
    store::{attestations, releases, rounds},
};

/// Answers a request to release, with a signature. The same set always gets the same bytes.
///
/// # Errors
/// An abort of kind `malformed-message`, `not-found`, `wrong-round`, `signature-refused`,
/// `root-mismatch`, `cohort-out-of-bounds`, `not-attested`, `duplicate-subject`, `left-out`,
/// `round-not-open`, `release-conflict` or `round-key-destroyed`. A fault if the service itself
/// fails.
pub(crate) async fn release(app: &App, round_hash: RoundHash, call: ReleaseCall) -> Result<Vec<u8>> {
    let outcome = answer_once(app, round_hash, call).await;
    if let Err(error @ Error::Abort(_)) = &outcome {
        metrics::release_refused(error.kind());
        tracing::warn!(%round_hash, reason = error.kind().code(), "release refused");
    }
    outcome
}

async fn answer_once(app: &App, round_hash: RoundHash, call: ReleaseCall) -> Result<Vec<u8>> {
    let ReleaseCall { request: HexBytes(request), refusals } = call;
    let request = ReleaseRequest::from_bytes(&request).map_err(Refusal::malformed("release request"))?;
    let round = rounds::find(&app.db, &round_hash).await?;
    let verified = round.verified()?;
    // Read the key first. The answer is stored before the key is destroyed, so a missing key
    // implies a stored answer.
    let key = find(app, round.round_id.0).await?;
    if let Some(released) = releases::find(&app.db, &round_hash).await? {
        authenticate(&verified, &request)?;
        destroy::destroy(app, &round).await?;
        return released.over(&request.root);
    }
    if round.is_ended() {
        return Err(destroyed());
    }
    let document = verified.document();
    if !(document.earliest_close_ms..=document.release_by_ms).contains(&app.now().ms()) {
        let detail = "this combiner releases from earliest_close to release_by, by its own clock";
        return Err(Error::abort(ProblemKind::RoundNotOpen).detail(detail));
    }
    let key = key.ok_or_else(destroyed)?;
    let holder = round.holder()?;
    let (root, count) = (request.root, request.members.len());
    let named = Arc::new(name(app, verified, request).await?);
    company::fix(app, &round_hash).await?;
    company::check(app, &named, holder, refusals).await?;
    let answer = compute(app, named, holder, key).await?;
    run_tx(&app.db, "bind", |tx| bind(tx, app, &round_hash, root)).await?;
    let released = record(app, &round_hash, releases::Release { root: Column(root), answer }, count).await?;
    destroy::destroy(app, &round).await?;
    released.over(&root)
}

/// Binds the key to the set. The lock on the round keeps attestations from following it.
async fn bind(mut tx: Tx, app: &App, round_hash: &RoundHash, root: SetRoot) -> Result<(Tx, ())> {
    let round = rounds::lock(&mut tx, round_hash).await?;
    round_key::bind(&app.vault, round.round_id.0, root).await?;
    Ok((tx, ()))
}

/// Checks that the aggregator signed the request, and that it signed it for this round.
fn authenticate(round: &VerifiedRound, request: &ReleaseRequest) -> std::result::Result<(), Refusal> {
    if request.round_hash != *round.hash() {
        return Err(Refusal::WrongRound);
    }
    request.verify(&round.document().holders[0].identity_key)
}

/// Checks everything about a request that does not depend on the company.
async fn name(app: &App, round: VerifiedRound, request: ReleaseRequest) -> Result<NamedSet> {
    // Check the request before anything is fetched for it.
    authenticate(&round, &request)?;
    round.check_cohort(request.members.len())?;
    let attested = attestations::members(&app.db, round.hash(), &request.members).await?;
    let named = NamedSet { round, request, attested };
    let check = move || -> std::result::Result<NamedSet, Refusal> {
        check_release(&named.round, &named.request, |hash| named.attested.get(hash))?;
        Ok(named)
    };
    Ok(app.compute.run(check).await??)
}

async fn compute(app: &App, named: Arc<NamedSet>, holder: u8, key: RoundKeyPair) -> Result<Vec<u8>> {
    let worker = app.clone();
    let answered: std::result::Result<_, Refusal> = app
        .compute
        .run(move || {
            let members: Vec<&AttestedMember> = named.attested.values().collect();
            let root = &named.request.root;
            Ok(answer(&named.round, root, holder, &key, &members, &worker.identity)?.to_bytes())
        })
        .await?;
    Ok(answered?)
}

/// Stores the answer durably. If another request stored one first, returns that one.
async fn record(
    app: &App,
    round_hash: &RoundHash,
    release: releases::Release,
    count: usize,
) -> Result<releases::Release> {
    let record = |tx| record_in(tx, app, round_hash, &release, count);
    let (released, new) = run_tx(&app.db, "release", record).await?;
    if new {
        metrics::released();
        tracing::info!(%round_hash, members = count, "key shares released");
    }
    Ok(released)
}

async fn record_in(
    mut tx: Tx,
    app: &App,
    round_hash: &RoundHash,
    release: &releases::Release,
    count: usize,
) -> Result<(Tx, (releases::Release, bool))> {
    let round = rounds::lock(&mut tx, round_hash).await?;
    if let Some(earlier) = releases::find(&mut *tx, round_hash).await? {
        return Ok((tx, (earlier, false)));
    }
    if round.is_ended() {
        return Err(destroyed());
    }
    releases::insert(&mut tx, round_hash, release, count, app.now()).await?;
    rounds::end(&mut tx, round_hash, rounds::RoundOutcome::Released, app.now()).await?;
    Ok((tx, (release.clone(), true)))
}

impl releases::Release {
    /// Returns the answer if it was given for this set.
    fn over(self, root: &SetRoot) -> Result<Vec<u8>> {
        if self.root.0 == *root { Ok(self.answer) } else { Err(Error::abort(ProblemKind::ReleaseConflict)) }
    }
}
