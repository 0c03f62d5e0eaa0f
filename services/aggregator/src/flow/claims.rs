//! Where participants want to be paid, and their statements.

use std::cmp::Reverse;

use api::{
    ProblemKind,
    payouts::{Balance, ClaimAddressRequest, ClaimAddressView, Statement},
};
use kit::{Error, Result, tx::run_tx};
use names::PublicKey;
use protocol::{Canonical, ClaimAddress, Refusal, Signed};

use super::{participants, payouts, reputation};
use crate::{
    state::App,
    store::{batches, books, claim_addresses},
};

/// The most items of each kind in a statement.
const LONGEST_LIST: i64 = 1_000;

/// The most addresses that a participant may send with one key.
const MOST_ADDRESSES: usize = 1_000;

/// The messages that count of those that a participant has sent: signed with its present key, and for each chain the one
/// with the largest sequence. They are given by chain, the largest sequence first.
///
/// A key that was replaced does not decide any more where anything is paid; who gets a new one sends an address again.
pub(crate) fn signed(messages: &[Vec<u8>], subject: &str, key: &PublicKey) -> Vec<ClaimAddress> {
    let mut claims = by_key(messages, subject, key);
    claims.sort_by_key(|claim| (claim.chain_id, Reverse(claim.sequence)));
    claims.dedup_by_key(|claim| claim.chain_id);
    claims
}

fn by_key(messages: &[Vec<u8>], subject: &str, key: &PublicKey) -> Vec<ClaimAddress> {
    let read = |message: &Vec<u8>| ClaimAddress::from_bytes(message).ok();
    let own = |claim: &ClaimAddress| claim.subject.as_str() == subject && claim.verify(key).is_ok();
    messages.iter().filter_map(read).filter(own).collect()
}

/// Stores where a participant wants to be paid. Repeating the request changes nothing.
pub(crate) async fn put(app: &App, subject: &str, request: &ClaimAddressRequest) -> Result<Statement> {
    let participant = participants::show(app, subject).await?;
    let message =
        ClaimAddress::from_bytes(&request.message.0).map_err(Refusal::malformed("claim address")).map_err(
            |refusal| Error::from(refusal).field("message", "the canonical encoding of a claim address"),
        )?;
    if message.subject.as_str() != subject {
        return Err(Error::abort(ProblemKind::MalformedRequest).field("subject", "the name in the message"));
    }
    let key = participant.client_key;
    message.verify(&key)?;
    let number = |value: u64, field: &'static str| {
        let error = || Error::abort(ProblemKind::InvalidParameter).field(field, "below 2^63");
        i64::try_from(value).map_err(|_| error())
    };
    let (chain_id, sequence) = (number(message.chain_id, "chain_id")?, number(message.sequence, "sequence")?);
    let address = message.address.to_bytes();
    let conflict = |rule| Error::abort(ProblemKind::ClaimConflict).field("sequence", rule);
    let larger = "larger than that of the address that counts, and not used before with any key";
    let before = claim_addresses::messages(&app.db, subject).await?;
    if before.contains(&request.message.0) {
        return statement(app, subject).await;
    }
    // Whoever had the participant's earlier key has not used up what the present one may send.
    if before.len() >= MOST_ADDRESSES && by_key(&before, subject, &key).len() >= MOST_ADDRESSES {
        return Err(conflict("of one of the key's 1000 addresses, which are all that may be sent with it"));
    }
    let counts = signed(&before, subject, &key).into_iter().find(|claim| claim.chain_id == message.chain_id);
    if counts.is_some_and(|claim| claim.sequence >= message.sequence) {
        return Err(conflict(larger));
    }
    let stored = run_tx(&app.db, "claim address", async |mut tx| {
        let (message, now) = (&request.message.0, app.now());
        let stored =
            claim_addresses::insert(&mut tx, subject, chain_id, sequence, &address, message, now).await?;
        Ok((tx, stored))
    });
    let stored = stored.await?;
    if stored != request.message.0 {
        return Err(conflict(larger));
    }
    statement(app, subject).await
}

/// What a participant earned and was paid.
pub(crate) async fn statement(app: &App, subject: &str) -> Result<Statement> {
    let participant = participants::show(app, subject).await?;
    let messages = claim_addresses::messages(&app.db, subject).await?;
    let addresses = signed(&messages, subject, &participant.client_key);
    let balances = books::balances(&app.db, subject).await?;
    let earned = books::earned(&app.db, subject, LONGEST_LIST).await?;
    let lines = batches::lines_of(&app.db, subject, LONGEST_LIST).await?;
    Ok(Statement {
        subject: participant.subject,
        reputation_ppm: reputation::now(app, subject).await?,
        balances: balances.into_iter().map(balance).collect::<Result<_>>()?,
        addresses: addresses.into_iter().map(address).collect(),
        payouts: earned.into_iter().map(payouts::view).collect::<Result<_>>()?,
        claims: lines.into_iter().map(payouts::claim).collect::<Result<_>>()?,
    })
}

fn balance(row: books::BalanceRow) -> Result<Balance> {
    Ok(Balance {
        asset: row.asset,
        earned: payouts::parse(&row.earned)?,
        handed_over: payouts::parse(&row.handed_over)?,
        balance: payouts::parse(&row.balance)?,
    })
}

fn address(claim: ClaimAddress) -> ClaimAddressView {
    let ClaimAddress { chain_id, sequence, address, .. } = claim;
    ClaimAddressView { chain_id, sequence, address: address.to_string() }
}
