//! Verification of stored contributions: every holder opens its share of each key and checks it against the
//! commitment; then the norm proof is verified, where the round demands one. A contribution ends verified or rejected with a
//! reason; if a holder cannot be asked, it waits.

mod proofs;

use std::{collections::HashSet, sync::Arc};

use api::{
    HexBytes, ProblemKind,
    combiner::{AttestRequest, ContributionEnvelope, Verdict},
    rounds::RoundState,
};
use futures::future::try_join_all;
use kit::{Error, Result, tx::run_tx, vault::round_key};
use names::{ContributionId, RoundId};
use protocol::{
    Attestation, Canonical, ContributionHeader, Proof, Refusal, SealedSeeds, VerifiedRound,
    roles::{
        aggregator::{HOLDER, check_attestation},
        combiner::{check_shares, open_share},
    },
};
use rand::rngs::OsRng;
use sharing::RoundKeyPair;

use super::Held;
use crate::{
    combiners::{Combiner, CombinerError},
    flow::rounds,
    metrics,
    state::App,
    store::{
        self,
        contributions::{self, Envelope},
        jobs,
    },
};

/// Bytes of bodies whose proofs are verified between two transactions.
const TOGETHER_BYTES: u64 = 256 << 20;

/// What is decided about a contribution.
enum Decision {
    /// The combiners' attestations, in order.
    Verified(Vec<Vec<u8>>),
    Rejected(ProblemKind),
}

/// A contribution and what is decided about it.
struct Decided {
    contribution_id: ContributionId,
    decision: Decision,
    /// What verifying its proof took.
    proof_time_us: Option<i64>,
}

impl Decided {
    fn without_proof(candidate: &Candidate, decision: Decision) -> Self {
        Self::rejected(candidate.envelope.contribution_id.0, decision)
    }

    fn rejected(contribution_id: ContributionId, decision: Decision) -> Self {
        Self { contribution_id, decision, proof_time_us: None }
    }
}

/// A contribution whose own share is good.
struct Candidate {
    envelope: Envelope,
    header: ContributionHeader,
}

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let round_id = held.round_id();
    let row = rounds::find(app, round_id).await?;
    let envelopes = match row.state.0 {
        RoundState::Open | RoundState::Settling => {
            contributions::unverified(&app.db, &round_id, &contribution_ids(held)?).await?
        }
        _ => Vec::new(),
    };
    let round = Arc::new(rounds::verified(&row)?);
    let gone = without_envelope(held, &envelopes);
    let (candidates, mut decided) = check_own_shares(app, &round, round_id, envelopes).await?;
    let attested = attest(app, &round, &candidates).await;
    let mut unproved = Vec::new();
    let unreachable = match attested {
        Ok(decisions) => {
            for (candidate, decision) in candidates.iter().zip(decisions) {
                match decision {
                    Decision::Verified(attestations) if round.document().proof != Proof::None => {
                        unproved.push((candidate, attestations));
                    }
                    decision => decided.push(Decided::without_proof(candidate, decision)),
                }
            }
            None
        }
        Err(error) => Some(error),
    };
    record(app, held, &decided, &gone).await?;
    let undecided = check_proofs(app, held, &round, unproved).await?;
    unreachable.or(undecided).map_or(Ok(()), Err)
}

fn contribution_ids(held: &Held) -> Result<Vec<ContributionId>> {
    let id = |key: &String| key.parse().map_err(Error::fault);
    held.jobs.iter().map(|job| id(&job.key)).collect()
}

/// The jobs of contributions that wait for nothing any more.
fn without_envelope(held: &Held, envelopes: &[Envelope]) -> Vec<i64> {
    let waiting: HashSet<String> =
        envelopes.iter().map(|envelope| envelope.contribution_id.to_string()).collect();
    held.jobs.iter().filter(|job| !waiting.contains(&job.key)).map(|job| job.job_id).collect()
}

/// Opens the aggregator's shares, as holder 0, and checks them in one batch.
async fn check_own_shares(
    app: &App,
    round: &Arc<VerifiedRound>,
    round_id: RoundId,
    envelopes: Vec<Envelope>,
) -> Result<(Vec<Candidate>, Vec<Decided>)> {
    if envelopes.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let key = round_key::find(&app.vault, round_id).await?;
    let key = key.ok_or_else(|| Error::fault("the round's key is not in the vault"))?;
    let round = Arc::clone(round);
    app.compute.run(move || own_shares(&round, &key, envelopes)).await?
}

fn own_shares(
    round: &VerifiedRound,
    key: &RoundKeyPair,
    envelopes: Vec<Envelope>,
) -> Result<(Vec<Candidate>, Vec<Decided>)> {
    let (mut opened, mut rejected) = (Vec::new(), Vec::new());
    for envelope in envelopes {
        let header = ContributionHeader::from_bytes(&envelope.header).map_err(Error::fault)?;
        let sealed = SealedSeeds::from_bytes(&envelope.sealed_seeds).map_err(Error::fault)?;
        match open_share(round, HOLDER, key, &header, &sealed) {
            Ok(share) => opened.push((Candidate { envelope, header }, share)),
            Err(refusal) => {
                rejected.push(Decided::rejected(envelope.contribution_id.0, reject(&refusal)));
            }
        }
    }
    let pairs: Vec<_> = opened.iter().map(|(candidate, share)| (&candidate.header, share)).collect();
    let verdicts = check_shares(HOLDER, &pairs, &mut OsRng);
    let mut candidates = Vec::with_capacity(opened.len());
    for ((candidate, _), verdict) in opened.into_iter().zip(verdicts) {
        match verdict {
            Ok(()) => candidates.push(candidate),
            Err(refusal) => rejected.push(Decided::without_proof(&candidate, reject(&refusal))),
        }
    }
    Ok((candidates, rejected))
}

fn reject(refusal: &Refusal) -> Decision {
    Decision::Rejected(refusal.into())
}

/// Verifies proofs and records the verdicts, a few contributions at a time so that little is lost when the round closes or the
/// process ends; returns why some could not be verified now, if so.
async fn check_proofs(
    app: &App,
    held: &Held,
    round: &Arc<VerifiedRound>,
    unproved: Vec<(&Candidate, Vec<Vec<u8>>)>,
) -> Result<Option<Error>> {
    let together = (TOGETHER_BYTES / round.constants().body_bytes()).max(1);
    let together = usize::try_from(together).map_err(Error::fault)?;
    let (mut unproved, mut failure) = (unproved.into_iter().peekable(), None);
    while unproved.peek().is_some() {
        let (candidates, attestations): (Vec<_>, Vec<_>) = unproved.by_ref().take(together).unzip();
        let verdicts = proofs::check(app, round, &candidates).await?;
        let mut decided = Vec::with_capacity(candidates.len());
        for ((candidate, attestations), verdict) in candidates.into_iter().zip(attestations).zip(verdicts) {
            match verdict {
                Ok(verdict) => {
                    let decision = match &verdict.refusal {
                        Some(refusal) => reject(refusal),
                        None => Decision::Verified(attestations),
                    };
                    let proof_time_us = Some(verdict.time_us());
                    decided.push(Decided { proof_time_us, ..Decided::without_proof(candidate, decision) });
                }
                Err(error) => failure = Some(error),
            }
        }
        record(app, held, &decided, &[]).await?;
    }
    Ok(failure)
}

/// Asks every combiner about all candidates; the decisions are in their order.
async fn attest(app: &App, round: &VerifiedRound, candidates: &[Candidate]) -> Result<Vec<Decision>> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let envelope = |candidate: &Candidate| ContributionEnvelope {
        header: HexBytes(candidate.envelope.header.clone()),
        sealed_seeds: HexBytes(candidate.envelope.sealed_seeds.clone()),
    };
    let request = AttestRequest { contributions: candidates.iter().map(envelope).collect() };
    let asked = app.combiners.iter().map(|combiner| ask(combiner, round, &request, candidates));
    let by_combiner = try_join_all(asked).await?;
    let mut decisions: Vec<_> = candidates.iter().map(|_| Decision::Verified(Vec::new())).collect();
    for verdicts in by_combiner {
        for (decision, verdict) in decisions.iter_mut().zip(verdicts) {
            match (&mut *decision, verdict) {
                (Decision::Verified(attestations), Ok(attestation)) => attestations.push(attestation),
                (Decision::Verified(_), Err(reason)) => *decision = Decision::Rejected(reason),
                (Decision::Rejected(_), _) => {}
            }
        }
    }
    Ok(decisions)
}

/// One combiner's attestations, each checked, or its reasons.
async fn ask(
    combiner: &Combiner,
    round: &VerifiedRound,
    request: &AttestRequest,
    candidates: &[Candidate],
) -> Result<Vec<std::result::Result<Vec<u8>, ProblemKind>>> {
    let verdicts = combiner.attest(*round.hash(), request).await?;
    let check = |(verdict, candidate): (Verdict, &Candidate)| match verdict {
        Verdict::Refused { reason } => Ok(Err(reason)),
        Verdict::Attested(HexBytes(bytes)) => {
            let attestation = Attestation::from_bytes(&bytes).map_err(|_| combiner.unacceptable())?;
            check_attestation(round, combiner.holder, &candidate.header, &attestation)
                .map_err(|_| combiner.unacceptable())?;
            Ok(Ok(bytes))
        }
    };
    let checked: std::result::Result<_, CombinerError> =
        verdicts.into_iter().zip(candidates).map(check).collect();
    Ok(checked?)
}

/// Records what is decided and finishes those jobs, and `gone` ones too. The others stay held.
async fn record(app: &App, held: &Held, decided: &[Decided], gone: &[i64]) -> Result<()> {
    if decided.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let (round_id, now) = (held.round_id(), app.now());
    let keys: HashSet<String> = decided.iter().map(|one| one.contribution_id.to_string()).collect();
    let finished = held.jobs.iter().filter(|job| keys.contains(&job.key)).map(|job| job.job_id);
    let finished: Vec<i64> = finished.chain(gone.iter().copied()).collect();
    let recording = run_tx(&app.db, "verify", async |mut tx| {
        store::rounds::lock(&mut tx, &round_id).await?;
        let (mut verified, mut rejected) = (0, 0);
        for Decided { contribution_id: id, decision, proof_time_us } in decided {
            let (time, tx) = (*proof_time_us, &mut *tx);
            match decision {
                Decision::Verified(attestations) => {
                    let done = contributions::verify(tx, &round_id, id, attestations, time, now).await?;
                    verified += i32::from(done);
                }
                Decision::Rejected(reason) => {
                    let done = contributions::reject(tx, &round_id, id, reason.code(), time, now).await?;
                    rejected += i32::from(done);
                }
            }
        }
        store::rounds::return_capacity(&mut tx, &round_id, rejected).await?;
        if !jobs::finish(&mut tx, &finished, held.token, now).await? {
            return Err(Error::fault("the lease was lost"));
        }
        if let Some(earliest) = store::rounds::full_from(&mut tx, &round_id).await? {
            jobs::hasten_close(&mut tx, &round_id, earliest.max(now)).await?;
        }
        Ok((tx, (verified, rejected)))
    });
    let (verified, rejected) = recording.await?;
    metrics::contributions_checked("verified", verified.cast_unsigned().into());
    metrics::contributions_checked("rejected", rejected.cast_unsigned().into());
    Ok(())
}
