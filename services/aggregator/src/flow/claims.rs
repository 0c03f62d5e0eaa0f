//! Where participants want to be paid, and their statements.

use api::{
    ProblemKind,
    payouts::{Balance, ClaimAddressRequest, ClaimAddressView, Statement},
};
use kit::{Error, Result};
use ledger::payout_tree::Address;
use protocol::{Canonical, ClaimAddress, PublicKey, Refusal, Signed};

use super::{participants, payouts, reputation};
use crate::{
    refusal::problem,
    state::App,
    store::{self, ledger as stored},
};

/// The most items of each kind in a statement.
const LONGEST_LIST: i64 = 1_000;

/// Stores where a participant wants to be paid. Repeating the request changes nothing.
pub(crate) async fn put(app: &App, subject: &str, request: &ClaimAddressRequest) -> Result<Statement> {
    let participant = participants::show(app, subject).await?;
    let message =
        ClaimAddress::from_bytes(&request.message.0).map_err(Refusal::malformed("claim address")).map_err(
            |refusal| problem(&refusal).field("message", "the canonical encoding of a claim address"),
        )?;
    if message.subject.as_str() != subject {
        return Err(Error::abort(ProblemKind::MalformedRequest).field("subject", "the name in the message"));
    }
    message.verify(&PublicKey(participant.client_key.0)).map_err(|refusal| problem(&refusal))?;
    let number = |value: u64, field: &'static str| {
        let error = || Error::abort(ProblemKind::InvalidParameter).field(field, "below 2^63");
        i64::try_from(value).map_err(|_| error())
    };
    let (chain_id, sequence) = (number(message.chain_id, "chain_id")?, number(message.sequence, "sequence")?);
    let address = message.address.to_bytes();
    let mut tx = store::begin(&app.db).await?;
    let stored =
        stored::claim(&mut tx, subject, chain_id, sequence, &address, &request.message.0, app.now()).await?;
    tx.commit().await?;
    if stored.as_ref() != Some(&request.message.0) {
        let rule = "larger than that of the address that counts";
        return Err(Error::abort(ProblemKind::ClaimConflict).field("sequence", rule));
    }
    statement(app, subject).await
}

/// What a participant earned and was paid.
pub(crate) async fn statement(app: &App, subject: &str) -> Result<Statement> {
    participants::show(app, subject).await?;
    let balances = stored::balances(&app.db, subject).await?;
    let addresses = stored::addresses(&app.db, subject).await?;
    let earned = stored::earned(&app.db, subject, LONGEST_LIST).await?;
    let lines = stored::lines_of(&app.db, subject, LONGEST_LIST).await?;
    Ok(Statement {
        subject: subject.to_owned(),
        reputation_ppm: reputation::now(app, subject).await?,
        balances: balances.into_iter().map(balance).collect::<Result<_>>()?,
        addresses: addresses.into_iter().map(address).collect(),
        payouts: earned.into_iter().map(payouts::view).collect::<Result<_>>()?,
        claims: lines.into_iter().map(payouts::claim).collect::<Result<_>>()?,
    })
}

fn balance(row: stored::BalanceRow) -> Result<Balance> {
    Ok(Balance {
        asset: row.asset,
        earned: payouts::parse(&row.earned)?,
        handed_over: payouts::parse(&row.handed_over)?,
        balance: payouts::parse(&row.balance)?,
    })
}

fn address(row: stored::AddressRow) -> ClaimAddressView {
    ClaimAddressView {
        chain_id: row.chain_id.cast_unsigned(),
        sequence: row.sequence.cast_unsigned(),
        address: Address::from_bytes(row.address).to_string(),
    }
}
