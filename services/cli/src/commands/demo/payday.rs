//! The end of the demo: the rounds are paid, the log is signed, and everything is checked as
//! outsiders would.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use api::{
    ProblemKind,
    payouts::{Amount, ClaimProof, PayoutPolicy, PayoutTerms, Statement, Token},
};
use client::{Address, ClientError};
use names::PublicKey;

use super::{federation::Federation, learner::Learner, round::RoundOutcome};
use crate::{
    commands::audit,
    error::{CommandError, Result},
    output::Output,
};

/// The pay of each round for all contributions in its sum: a thousand tokens of eighteen decimals.
pub(super) const POOL: u128 = 1_000 * 10u128.pow(18);
/// A chain that runs on developers' machines.
const CHAIN: u64 = 31_337;
/// An address at which such a chain's first contract often is.
const CONTRACT: &str = "0x5fbdb2315678afecb367f032d93f642f64180aa3";
/// How long the last payout may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The findings when everything is done.
pub(super) struct Payday {
    /// What a client that was in a sum earned, and how it was paid.
    pub(super) statement: Statement,
    /// What it shows the distributor's contract, for its last batch.
    pub(super) claim: Option<ClaimProof>,
    /// Receipts whose contributions were shown to be in the signed log.
    pub(super) receipts: usize,
    /// Entries of the log, all of them compared with their rows.
    pub(super) entries: u64,
    /// Contributions and norm proofs of the last round, verified from its published bundle.
    pub(super) verified: (usize, usize),
}

/// How rounds pay: by reputation, so that rejected contributions cost something later.
pub(super) fn terms() -> PayoutTerms {
    let token = Token { chain_id: CHAIN, contract: CONTRACT.to_owned() };
    PayoutTerms { policy: PayoutPolicy::ScoreReputation, pool: Amount(POOL), token: Some(token) }
}

/// Every other client says where it wants to be paid; the others' balances wait.
pub(super) async fn claim_address(learner: &Learner) -> Result<()> {
    if learner.index.is_multiple_of(2) {
        let mut address = [0xb5; 20];
        address[16..].copy_from_slice(&(learner.index as u32 + 1).to_be_bytes());
        let address = Address::from_bytes(address);
        learner.client.claim_address(&learner.participant, address, CHAIN, 1).await?;
    }
    Ok(())
}

/// Waits for the payouts and checks everything.
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

/// Every receipt is kept: its contribution is in the log under a checkpoint that the aggregator has
/// signed.
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

/// The database says what the log says, all of it signed but the record of the last checkpoint.
async fn check_record(auditor_url: &str, aggregator: &PublicKey, start: Instant) -> Result<u64> {
    loop {
        let findings = audit::chain::check(auditor_url, aggregator).await?;
        if findings.signed + 1 >= findings.entries + findings.waiting {
            return Ok(findings.entries);
        }
        patience(start).await?;
    }
}
