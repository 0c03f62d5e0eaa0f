//! Attests contributions at intake. The combiner opens its share of each mask key and signs that
//! the share is good. So a bad share is found before the round closes.

mod examination;

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use api::{
    HexBytes, ProblemKind,
    combiner::{ContributionEnvelope, Verdict},
};
use kit::{
    Error, Result,
    tx::{Tx, run_tx},
    vault,
};
use names::RoundHash;
use protocol::RefusedFor;
use sqlx::PgConnection;

use self::examination::{Candidate, Examination, Finding, Signer};
use super::{epochs, round_key};
use crate::{
    metrics,
    state::App,
    store::{
        attestations::{self, NewAttestation},
        refusals,
        rounds::{self, RoundRow},
    },
};

/// Decides about contributions and returns the verdicts in order. A contribution that is attested
/// already gets the same attestation again.
///
/// # Errors
/// An abort of kind `invalid-parameter`, `not-found`, `round-not-open`, `round-state` or
/// `round-key-destroyed`. A fault if the service itself fails. A bad contribution is a verdict, not
/// an error.
pub(crate) async fn attest(
    app: &App,
    round_hash: RoundHash,
    envelopes: Vec<ContributionEnvelope>,
) -> Result<Vec<Verdict>> {
    if envelopes.len() > app.limits.attest_batch {
        let rule = format!("at most {}", app.limits.attest_batch);
        return Err(Error::abort(ProblemKind::InvalidParameter).field("contributions", rule));
    }
    let round = rounds::find(&app.db, &round_hash).await?;
    demand_attesting(app, &round)?;
    let key = round_key::load(app, round.round_id.0).await?;
    demand_unbound(app, &round).await?;
    let verified = round.verified()?;
    let candidates: Vec<_> = envelopes.iter().map(Candidate::decode).collect();
    let hashes: Vec<_> = candidates.iter().flatten().map(Candidate::hash).collect();
    let known = attestations::find(&app.db, &round_hash, &hashes).await?;
    let holder = round.holder()?;
    let examination = Examination { app: app.clone(), round: verified, holder, key, known };
    let started = Instant::now();
    let (round, findings) = app.compute.run(move || examination.run(candidates)).await?;
    metrics::examined(findings.len(), started.elapsed());
    let signer = Signer { round: &round, holder, identity: &app.identity };
    record(app, &signer, &findings).await
}

/// Refuses a round in which nothing is attested now: it has ended, or this is not the time for it.
fn demand_attesting(app: &App, round: &RoundRow) -> Result<()> {
    round.demand_open()?;
    round.demand_unnamed()?;
    let verified = round.verified()?;
    let document = verified.document();
    if !(document.opens_at_ms..=document.attest_by_ms).contains(&app.now().ms()) {
        let detail = "this combiner attests from opens_at to attest_by, by its own clock";
        return Err(Error::abort(ProblemKind::RoundNotOpen).detail(detail));
    }
    Ok(())
}

/// Refuses a round whose key is bound to a set.
async fn demand_unbound(app: &App, round: &RoundRow) -> Result<()> {
    match vault::round_key::is_bound(&app.vault, round.round_id.0).await? {
        false => Ok(()),
        true => Err(Error::abort(ProblemKind::RoundState).detail("the round's set is fixed")),
    }
}

async fn record(app: &App, signer: &Signer<'_>, findings: &[Finding]) -> Result<Vec<Verdict>> {
    let record = |tx| record_in(tx, app, signer, findings);
    let (verdicts, new) = run_tx(&app.db, "attest", record).await?;
    metrics::attested(new);
    for verdict in &verdicts {
        if let Verdict::Refused { reason, .. } = verdict {
            metrics::refused(*reason);
        }
    }
    Ok(verdicts)
}

/// Records the new attestations and the counts of refusals. The refusals themselves are not stored:
/// they are signed again at each request, so bad messages take no room here. The lock on the round
/// makes the count of attempts exact. It also keeps attestations from following a release.
async fn record_in(
    mut tx: Tx,
    app: &App,
    signer: &Signer<'_>,
    findings: &[Finding],
) -> Result<(Tx, (Vec<Verdict>, usize))> {
    let round = signer.round;
    let row = rounds::lock(&mut tx, round.hash()).await?;
    demand_attesting(app, &row)?;
    demand_unbound(app, &row).await?;
    let (verdicts, new) = decide(&mut tx, signer, findings).await?;
    attestations::insert(&mut tx, round.hash(), &new, app.now()).await?;
    if !new.is_empty() {
        epochs::seen(&mut tx, app, round.document().credential_epoch).await?;
    }
    refusals::count(&mut tx, round.hash(), &reasons(&verdicts), app.now()).await?;
    Ok((tx, (verdicts, new.len())))
}

/// Attests good contributions until their participant has no attempt left. No two contributions of
/// a round get an attestation for the same commitment.
async fn decide<'a>(
    tx: &mut PgConnection,
    signer: &Signer<'_>,
    findings: &'a [Finding],
) -> Result<(Vec<Verdict>, Vec<&'a NewAttestation>)> {
    let round = signer.round;
    let good = || {
        findings
            .iter()
            .filter_map(|finding| if let Finding::Good(_, new) = finding { Some(&**new) } else { None })
    };
    let hashes: Vec<_> = good().map(|new| new.header_hash).collect();
    let subjects: Vec<_> = good().map(|new| new.subject.clone()).collect();
    let mut seen: HashSet<_> =
        attestations::find(&mut *tx, round.hash(), &hashes).await?.into_keys().collect();
    let commitments: Vec<_> = good().map(|new| new.commitment).collect();
    let mut committed = attestations::commitments(&mut *tx, round.hash(), &commitments).await?;
    let mut attempts = attestations::attempts(tx, round.hash(), &subjects).await?;
    let (mut verdicts, mut inserted) = (Vec::with_capacity(findings.len()), Vec::new());
    for finding in findings {
        verdicts.push(match finding {
            Finding::Bad(refused) => refused.clone(),
            Finding::Good(_, new) if seen.contains(&new.header_hash) => attested(new),
            Finding::Good(arrived, new) if committed.contains(&new.commitment) => {
                signer.refuse(*arrived, ProblemKind::CommitmentRepeated, RefusedFor::Commitment)
            }
            Finding::Good(arrived, new) => {
                let used = attempts.entry(new.subject.clone()).or_default();
                if *used >= i64::from(round.document().max_attempts) {
                    signer.refuse(*arrived, ProblemKind::AttemptsExhausted, RefusedFor::Attempts)
                } else {
                    *used += 1;
                    seen.insert(new.header_hash);
                    committed.insert(new.commitment);
                    inserted.push(&**new);
                    attested(new)
                }
            }
        });
    }
    Ok((verdicts, inserted))
}

/// Returns the attestation as a verdict. Signing is deterministic, so two requests at once give a
/// contribution the same attestation.
fn attested(new: &NewAttestation) -> Verdict {
    Verdict::Attested(HexBytes(new.attestation.clone()))
}

fn reasons(verdicts: &[Verdict]) -> HashMap<&'static str, i64> {
    let mut reasons = HashMap::new();
    for verdict in verdicts {
        if let Verdict::Refused { reason, .. } = verdict {
            *reasons.entry(reason.code()).or_default() += 1;
        }
    }
    reasons
}
