//! The end of the demo: waits until the rounds are paid and the log is signed, and checks
//! everything as an outsider can.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use api::{
    ProblemKind,
    payouts::{ClaimProof, Statement},
};
use client::ClientError;
use names::PublicKey;

use super::{federation::Federation, round::RoundOutcome};
use crate::{
    commands::audit,
    error::{CommandError, Result},
    output::Output,
};

/// The limit on waiting for the last payout and its checkpoint.
const PATIENCE: Duration = Duration::from_secs(60);

/// The results of the checks, for the report.
pub(super) struct Payday {
    /// The statement of a client whose contribution was in the first sum.
    pub(super) statement: Statement,
    /// Its claim in its latest batch, with the proof for the distributor's contract.
    pub(super) claim: Option<ClaimProof>,
    /// Number of receipts whose contributions are proved to be in the signed log.
    pub(super) receipts: usize,
    /// Number of log entries. All were compared with their rows.
    pub(super) entries: u64,
    /// Number of contributions and of norm proofs of the last round that were verified from its
    /// bundle.
    pub(super) verified: (usize, usize),
}

/// Waits for the payouts, then checks receipts, record and bundle.
pub(super) async fn pay(
    federation: &Federation,
    rounds: &[&RoundOutcome],
    auditor_url: &str,
    folder: &Path,
    output: &Output,
) -> Result<Payday> {
    output.note("Waiting for the last payout, then auditing …");
    let start = Instant::now();
    for round in rounds {
        while federation.observer.payouts(round.id).await?.len() != round.included.len() {
            patience(start).await?;
        }
    }
    let receipts = check_receipts(federation, rounds, start).await?;
    let aggregator = federation.aggregator_key();
    let entries = check_record(auditor_url, &aggregator, start).await?;
    let last = rounds.last().ok_or(CommandError::Demo("there was no round"))?;
    let folder = folder.join("audit");
    audit::fetch(&federation.observer, last.id, &folder).await?;
    let verified = audit::verify(&folder, federation.pins(), output)?;
    let subject =
        rounds[0].included.iter().find(|client| client.is_multiple_of(2)).copied().unwrap_or_default();
    let subject = federation.learners[subject].subject();
    let statement = federation.observer.statement(subject).await?;
    let claim = match statement.claims.first() {
        Some(claim) => Some(federation.observer.claim_proof(claim.batch_id, subject).await?),
        None => None,
    };
    Ok(Payday { statement, claim, receipts, entries, verified })
}

async fn patience(start: Instant) -> Result<()> {
    if start.elapsed() > PATIENCE {
        return Err(CommandError::Demo("the rounds are not paid and signed in time"));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

/// Checks that the contribution of every receipt is in the log, under a signed checkpoint.
async fn check_receipts(federation: &Federation, rounds: &[&RoundOutcome], start: Instant) -> Result<usize> {
    let mut receipts = 0;
    for round in rounds {
        for contributed in round.outcomes.iter().filter_map(|outcome| outcome.contributed.as_ref()) {
            loop {
                match federation.observer.logged(round.id, &contributed.receipt).await {
                    Ok(_) => break,
                    Err(ClientError::Problem { kind: ProblemKind::NotReady, .. }) => patience(start).await?,
                    Err(error) => return Err(error.into()),
                }
            }
            receipts += 1;
        }
    }
    Ok(receipts)
}

/// Checks that the tables match the log. All entries must be signed, except that of the latest
/// checkpoint itself.
async fn check_record(auditor_url: &str, aggregator: &PublicKey, start: Instant) -> Result<u64> {
    loop {
        let findings = audit::chain::check(auditor_url, aggregator).await?;
        if findings.signed + 1 >= findings.entries + findings.waiting {
            return Ok(findings.entries);
        }
        patience(start).await?;
    }
}
