//! Takes receipts of participants. The aggregator's signature on the receipt counts, so the caller
//! needs no token.

use api::{ProblemKind, combiner::ReceiptCall};
use kit::{
    Error, Result,
    tx::{Tx, run_tx},
};
use names::{RoundHash, RoundId};
use protocol::{
    Canonical, ContributionHeader, Receipt, Refusal, Signed, VerifiedRound, roles::company::Known,
};

use crate::{
    metrics,
    state::App,
    store::{
        receipts, round_keys,
        rounds::{self, RoundRow},
    },
};

/// Stores the contribution of a receipt. Its participant belongs to the company of the round. A
/// second receipt for it changes nothing.
///
/// # Errors
/// An abort of kind `malformed-message`, `not-found`, `round-state`, `wrong-round`,
/// `digest-mismatch` or `signature-refused`, or for a header that breaks a rule of the round. A
/// fault if the service itself fails.
pub(crate) async fn take(app: &App, round_hash: RoundHash, call: &ReceiptCall) -> Result<()> {
    let receipt = Receipt::from_bytes(&call.receipt.0).map_err(Refusal::malformed("receipt"))?;
    let header = ContributionHeader::from_bytes(&call.header.0);
    let header = header.map_err(Refusal::malformed("contribution header"))?;
    receipt.verify(&app.policy.aggregator)?;
    app.receipts.admit()?;
    let _turn = app.receipts.turn().await?;
    let round = rounds::find(&app.db, &round_hash).await?;
    demand_taking(&round)?;
    let round_id = round.round_id.0;
    let examine = move || -> Result<Known> { Ok(examine(&round.verified()?, &header, &receipt)?) };
    let known = app.compute.run(examine).await??;
    run_tx(&app.db, "receipt", |tx| record(tx, app, &round_id, &round_hash, &known)).await?;
    metrics::receipt_taken();
    Ok(())
}

/// Refuses a round that has ended, or in which a set was named.
fn demand_taking(round: &RoundRow) -> Result<()> {
    if round.is_ended() {
        return Err(Error::abort(ProblemKind::RoundState).detail("the round has ended"));
    }
    round.demand_unnamed()
}

/// Checks the rest about a receipt that the pinned aggregator signed. A combiner countersigns only
/// rounds of that aggregator.
fn examine(
    round: &VerifiedRound,
    header: &ContributionHeader,
    receipt: &Receipt,
) -> std::result::Result<Known, Refusal> {
    if receipt.round_hash != *round.hash() {
        return Err(Refusal::WrongRound);
    }
    let known = Known::from(header);
    if receipt.header_hash != known.header_hash {
        return Err(Refusal::Digest { of: "header" });
    }
    round.check_header(header)?;
    Ok(known)
}

/// Stores the contribution, unless a set was named meanwhile. Naming locks the row of the round
/// key, and so waits for this transaction: a receipt that was answered counts. The row of the round
/// is not locked, so attesting does not wait.
async fn record(
    mut tx: Tx,
    app: &App,
    round_id: &RoundId,
    round_hash: &RoundHash,
    known: &Known,
) -> Result<(Tx, ())> {
    round_keys::share(&mut tx, round_id).await?;
    demand_taking(&rounds::find(&mut *tx, round_hash).await?)?;
    receipts::insert(&mut tx, round_hash, known, app.now()).await?;
    Ok((tx, ()))
}
