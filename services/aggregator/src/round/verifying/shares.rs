//! The aggregator's own shares, as holder 0: opened one by one, checked in one batch.

use std::sync::Arc;

use kit::{Error, Result};
use protocol::{
    Canonical, ContributionHeader, IdentityKey, Refusal, RefusedFor, SealedSeeds, VerifiedRound,
    roles::{
        aggregator::HOLDER,
        combiner::{check_shares, open_share, refuse},
    },
};
use rand::rngs::OsRng;
use sharing::RoundKeyPair;

use super::decision::{Candidate, Decided, Decision};
use crate::{state::App, store::contributions::Envelope, stored_round::own_key};

/// Checks the shares. Returns the contributions whose share is good, and the rejected ones. The
/// aggregator signs its refusals like every holder.
pub(super) async fn check(
    app: &App,
    round: &Arc<VerifiedRound>,
    envelopes: Vec<Envelope>,
) -> Result<(Vec<Candidate>, Vec<Decided>)> {
    if envelopes.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let key = own_key(app, round).await?;
    let (round, app_of_work) = (Arc::clone(round), app.clone());
    app.compute.run(move || check_with_key(&round, &key, &app_of_work.identity, envelopes)).await?
}

fn check_with_key(
    round: &VerifiedRound,
    key: &RoundKeyPair,
    identity: &IdentityKey,
    envelopes: Vec<Envelope>,
) -> Result<(Vec<Candidate>, Vec<Decided>)> {
    let (mut opened, mut rejected) = (Vec::new(), Vec::new());
    for envelope in envelopes {
        let header = ContributionHeader::from_bytes(&envelope.header).map_err(Error::fault)?;
        let sealed = SealedSeeds::from_bytes(&envelope.sealed_seeds).map_err(Error::fault)?;
        let share = open_share(round, HOLDER, key, &header, &sealed);
        let candidate = Candidate { envelope, header };
        match share {
            Ok(share) => opened.push((candidate, share)),
            Err(refusal) => rejected.push(rejection(round, &candidate, &refusal, identity)),
        }
    }
    let pairs: Vec<_> = opened.iter().map(|(candidate, share)| (&candidate.header, share)).collect();
    let verdicts = check_shares(HOLDER, &pairs, &mut OsRng);
    let mut candidates = Vec::with_capacity(opened.len());
    for ((candidate, _), verdict) in opened.into_iter().zip(verdicts) {
        match verdict {
            Ok(()) => candidates.push(candidate),
            Err(refusal) => rejected.push(rejection(round, &candidate, &refusal, identity)),
        }
    }
    Ok((candidates, rejected))
}

fn rejection(
    round: &VerifiedRound,
    candidate: &Candidate,
    refusal: &Refusal,
    identity: &IdentityKey,
) -> Decided {
    let sealed = SealedSeeds::digest_of(&candidate.envelope.sealed_seeds);
    let header = candidate.header.hash();
    let signed = refuse(round, HOLDER, &header, &sealed, RefusedFor::of(refusal), identity);
    let decision = Decision::Rejected { reason: refusal.into(), refusals: vec![signed] };
    Decided::new(candidate.id(), decision)
}
