//! Statements: a participant's balances, claim addresses, earnings and claims.

use api::payouts::{Balance, ClaimAddressView, Statement};
use kit::Result;
use names::Subject;
use protocol::ClaimAddress;

use super::{batches::claim, participants, payouts};
use crate::{
    batches::amount,
    reputation,
    state::App,
    store::{batches, books, claim_addresses},
};

/// The most items of each kind in a statement.
const LONGEST_LIST: i64 = 1_000;

/// The statement of a participant.
pub(crate) async fn statement(app: &App, subject: &Subject) -> Result<Statement> {
    let participant = participants::show(app, subject).await?;
    let messages = claim_addresses::messages(&app.db, subject).await?;
    let own = &app.pins.aggregator;
    let addresses = ClaimAddress::in_force(&messages, own, subject, &participant.client_key);
    let balances = books::balances(&app.db, subject).await?;
    let earned = books::earned(&app.db, subject, LONGEST_LIST).await?;
    let lines = batches::lines_of(&app.db, subject, LONGEST_LIST).await?;
    Ok(Statement {
        subject: participant.subject,
        reputation_ppm: reputation::now(app, subject).await?,
        balances: balances.into_iter().map(balance).collect::<Result<_>>()?,
        addresses: addresses.into_iter().map(address).collect(),
        payouts: earned.into_iter().map(payouts::view).collect::<Result<_>>()?,
        claims: lines.into_iter().map(claim).collect::<Result<_>>()?,
    })
}

fn balance(row: books::BalanceRow) -> Result<Balance> {
    Ok(Balance {
        asset: row.asset,
        earned: amount(&row.earned)?,
        handed_over: amount(&row.handed_over)?,
        balance: amount(&row.balance)?,
    })
}

fn address(claim: ClaimAddress) -> ClaimAddressView {
    let ClaimAddress { chain_id, sequence, address, .. } = claim;
    ClaimAddressView { chain_id, sequence, address: address.to_string() }
}
