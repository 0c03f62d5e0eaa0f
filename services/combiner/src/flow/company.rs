//! The company of a round. The first authentic request that names a set fixes it. A set that leaves
//! too much of it out is not released.

use std::{collections::HashMap, sync::Arc};

use api::{HexBytes, ProblemKind};
use kit::{
    Error, Result,
    tx::{Tx, run_tx},
};
use names::{HeaderHash, RoundHash};
use protocol::{
    Canonical, ContributionHeader, ReleaseRequest, SignedRefusal, VerifiedRound,
    roles::{
        combiner::AttestedMember,
        company::{Company, Known, LeftOut},
    },
};

use crate::{
    state::App,
    store::{attestations, receipts, refused_proofs, round_keys, rounds},
};

/// The most participants that a round's view names.
const SHOWN: usize = 100;

/// A set that the aggregator named and that may be released, as far as the set itself shows.
pub(super) struct NamedSet {
    pub(super) round: VerifiedRound,
    pub(super) request: ReleaseRequest,
    /// The members, each attested by this combiner.
    pub(super) attested: HashMap<HeaderHash, AttestedMember>,
}

/// Fixes the company: from now on nothing is attested in the round, and no receipt is taken. A
/// second call changes nothing.
///
/// # Errors
/// A fault if the database fails.
pub(super) async fn fix(app: &App, round_hash: &RoundHash) -> Result<()> {
    run_tx(&app.db, "name", |tx| fix_in(tx, app, round_hash)).await
}

/// The lock on the round waits for attestations, and the lock on its key waits for receipts.
async fn fix_in(mut tx: Tx, app: &App, round_hash: &RoundHash) -> Result<(Tx, ())> {
    let round = rounds::lock(&mut tx, round_hash).await?;
    if !round.is_ended() {
        round_keys::lock(&mut tx, &round.round_id.0).await?;
        rounds::name(&mut tx, round_hash, app.now()).await?;
    }
    Ok((tx, ()))
}

/// Checks that a set leaves out few participants of the company, which is fixed.
///
/// # Errors
/// An abort of kind `left-out`. A fault if the service itself fails.
pub(super) async fn check(
    app: &App,
    named: &Arc<NamedSet>,
    holder: u8,
    refusals: Vec<HexBytes>,
) -> Result<()> {
    let (round_hash, named) = (*named.round.hash(), Arc::clone(named));
    let others = attestations::others(&app.db, &round_hash, &named.request.members).await?;
    let receipts = receipts::list(&app.db, &round_hash).await?;
    let mut bad = refused_proofs::list(&app.db, &round_hash).await?;
    let limits = app.company;
    let decide = move || -> Result<std::result::Result<(), LeftOut>> {
        let others = others.iter().map(|header| ContributionHeader::from_bytes(header));
        let others: Vec<_> = others.collect::<std::result::Result<_, _>>().map_err(Error::fault)?;
        let attested = named.attested.values().map(|member| &member.header).chain(&others);
        let company: Company = attested.map(Known::from).chain(receipts).collect();
        // Bytes that are no refusal excuse nobody.
        let refusals = refusals.iter().filter_map(|bytes| SignedRefusal::from_bytes(&bytes.0).ok());
        let refusals: Vec<_> = refusals.collect();
        bad.extend(company.found_bad(&named.round, holder, refusals.iter().cloned()));
        let excused = company.excused(&named.round, holder, refusals);
        let set = named.request.members.iter().copied().collect();
        Ok(company.check(limits, &set, &bad, &excused))
    };
    let Err(left_out) = app.compute.run(decide).await?? else { return Ok(()) };
    let shown = &left_out.waiting_for[..left_out.waiting_for.len().min(SHOWN)];
    rounds::wait_for(&app.db, &round_hash, shown).await?;
    Err(Error::abort(ProblemKind::LeftOut).detail(left_out.to_string()))
}
