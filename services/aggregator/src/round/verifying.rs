//! Verification of stored contributions, while a round is open or settling.
//!
//! The aggregator opens its own share of each mask key and checks the share against the commitment.
//! Then it verifies the norm proof, if the round demands one, and records the verdict. Only then
//! does it ask the combiners to attest their shares. So no combiner works on a contribution with a
//! bad proof. A contribution ends verified, or rejected with a reason. While a combiner cannot be
//! asked, the contribution waits, and its proof is not verified again.

mod attesting;
mod decision;
mod proofs;
mod shares;

use std::{collections::HashSet, sync::Arc};

use api::rounds::RoundState;
use kit::{Error, Result, tx::run_tx};
use names::ContributionId;
use protocol::{Proof, VerifiedRound};

use self::{
    decision::{Candidate, Decided, Decision},
    proofs::ProofOutcome,
};
use super::{lifecycle::LockedRound, open};
use crate::{
    metrics,
    state::App,
    store::{
        self,
        contributions::{self, Envelope},
        leases::Held,
        rounds::RoundRow,
    },
    stored_round,
};

/// Bytes of bodies whose proofs are verified between two transactions.
const GROUP_BYTES: u64 = 256 << 20;

/// Jobs `verify`, for several contributions to a round.
///
/// This is no [`super::step::Step`], because it records in several transactions. Verifying a proof
/// takes long, and only little work may be lost when the round closes or the process ends.
pub(crate) async fn run(app: &App, held: &Held) -> Result<()> {
    let row = stored_round::find(app, held.round_id()).await?;
    let envelopes = unverified(app, held, &row).await?;
    let round = Arc::new(stored_round::verified(&row)?);
    let superfluous = superfluous_jobs(held, &envelopes);
    let (candidates, refused) = shares::check(app, &round, envelopes).await?;
    record(app, held, &refused, &superfluous).await?;
    let demands_proof = round.document().proof != Proof::None;
    let (unproved, mut proved): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| demands_proof && !candidate.envelope.proved);
    let unknown = verify_proofs(app, held, &round, unproved, &mut proved).await?;
    let (decided, undecided) = attesting::attest(app, &round, &proved).await?;
    record(app, held, &decided, &[]).await?;
    undecided.or(unknown).map_or(Ok(()), Err)
}

/// The contributions that still wait to be verified.
async fn unverified(app: &App, held: &Held, round: &RoundRow) -> Result<Vec<Envelope>> {
    match round.state.0 {
        RoundState::Open | RoundState::Settling => {
            let id = |key: &String| key.parse().map_err(Error::fault);
            let ids: Vec<ContributionId> =
                held.jobs().iter().map(|job| id(&job.key)).collect::<Result<_>>()?;
            Ok(contributions::unverified(&app.db, &round.round_id, &ids).await?)
        }
        _ => Ok(Vec::new()),
    }
}

/// The jobs whose contribution no longer waits.
fn superfluous_jobs(held: &Held, waiting: &[Envelope]) -> Vec<i64> {
    let waiting: HashSet<String> =
        waiting.iter().map(|envelope| envelope.contribution_id.to_string()).collect();
    held.jobs().iter().filter(|job| !waiting.contains(&job.key)).map(|job| job.job_id).collect()
}

/// Verifies proofs and records the verdicts, a few contributions at a time. Adds those whose proof
/// is good to `proved`. Returns the error because of which some could not be verified now, if there
/// was one.
async fn verify_proofs(
    app: &App,
    held: &Held,
    round: &Arc<VerifiedRound>,
    unproved: Vec<Candidate>,
    proved: &mut Vec<Candidate>,
) -> Result<Option<Error>> {
    let group =
        usize::try_from((GROUP_BYTES / round.constants().body_bytes()).max(1)).map_err(Error::fault)?;
    let (mut unproved, mut failure) = (unproved.into_iter().peekable(), None);
    while unproved.peek().is_some() {
        let mut decided = Vec::new();
        for checked in proofs::verify(app, round, unproved.by_ref().take(group)).await? {
            let (candidate, time) = (checked.candidate, checked.time);
            match checked.outcome {
                ProofOutcome::Accepted => {
                    decided.push(Decided::new(candidate.id(), Decision::Proved).after_proof(time));
                    proved.push(candidate);
                }
                ProofOutcome::Refused(refusal) => {
                    let decision = Decision::bad_proof(&refusal);
                    decided.push(Decided::new(candidate.id(), decision).after_proof(time));
                }
                ProofOutcome::Unknown(error) => failure = Some(error),
            }
        }
        record(app, held, &decided, &[]).await?;
    }
    Ok(failure)
}

/// Records decisions. Finishes the jobs of the decided contributions and the superfluous jobs. The
/// other jobs stay held.
async fn record(app: &App, held: &Held, decided: &[Decided], superfluous: &[i64]) -> Result<()> {
    if decided.is_empty() && superfluous.is_empty() {
        return Ok(());
    }
    let (round_id, now) = (held.round_id(), app.now());
    let last = decided.iter().filter(|one| one.decision.is_final());
    let keys: HashSet<String> = last.map(|one| one.contribution_id.to_string()).collect();
    let finished = held.jobs().iter().filter(|job| keys.contains(&job.key)).map(|job| job.job_id);
    let finished: Vec<i64> = finished.chain(superfluous.iter().copied()).collect();
    let recording = run_tx(&app.db, "verify", async |mut tx| {
        let mut round = LockedRound::lock(&mut tx, &round_id, now).await?;
        let (mut verified, mut rejected) = (0_u64, Vec::new());
        for one in decided {
            let recorded = record_one(&mut round, one).await?;
            match one.decision {
                Decision::Verified { .. } => verified += u64::from(recorded),
                Decision::Rejected { .. } if recorded => rejected.push(one.contribution_id),
                Decision::Proved | Decision::Rejected { .. } => {}
            }
        }
        store::rounds::return_capacity(round.tx, &round_id, &rejected).await?;
        held.finish_some(round.tx, &finished, now).await?;
        open::close_if_full(&mut round).await?;
        Ok((tx, (verified, rejected.len() as u64)))
    });
    let (verified, rejected) = recording.await?;
    metrics::contributions_checked("verified", verified);
    metrics::contributions_checked("rejected", rejected);
    Ok(())
}

/// Records one decision. Returns `false` if the contribution was decided before.
async fn record_one(round: &mut LockedRound<'_>, decided: &Decided) -> Result<bool> {
    let (round_id, now) = (round.id(), round.now);
    let (id, time) = (&decided.contribution_id, decided.proof_time_us);
    let recorded = match &decided.decision {
        Decision::Proved => contributions::proved(round.tx, &round_id, id, time).await?,
        Decision::Verified { attestations } => {
            contributions::verify(round.tx, &round_id, id, attestations, now).await?
        }
        Decision::Rejected { reason, refusals } => {
            let rejected = contributions::reject(round.tx, &round_id, id, reason.code(), time, now).await?;
            if rejected {
                let (holders, bytes) = decision::stored(refusals);
                contributions::store_refusals(round.tx, &round_id, id, &holders, &bytes, now).await?;
            }
            rejected
        }
    };
    Ok(recorded)
}
