//! Where participants want to be paid.

use api::{
    ProblemKind,
    payouts::{ClaimAddressRequest, Statement},
};
use kit::{Error, Result, tx::run_tx};
use names::Subject;
use protocol::{Canonical, ClaimAddress, Refusal, Signed};

use crate::{
    state::App,
    store::claim_addresses,
    views::{participants, statement::statement},
};

/// The most addresses that a participant may send with one key.
const MOST_ADDRESSES: usize = 1_000;

/// Stores where a participant wants to be paid. Repeating the request changes nothing.
pub(crate) async fn put(app: &App, subject: &Subject, request: &ClaimAddressRequest) -> Result<Statement> {
    let participant = participants::show(app, subject).await?;
    let message =
        ClaimAddress::from_bytes(&request.message.0).map_err(Refusal::malformed("claim address")).map_err(
            |refusal| Error::from(refusal).field("message", "the canonical encoding of a claim address"),
        )?;
    if message.subject != *subject {
        return Err(Error::abort(ProblemKind::MalformedRequest).field("subject", "the name in the message"));
    }
    let (own, key) = (app.pins.aggregator, participant.client_key);
    if message.aggregator_key != own {
        let rule = "the identity key of this aggregator";
        return Err(Error::abort(ProblemKind::MalformedRequest).field("aggregator_key", rule));
    }
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
    // Only messages by the present key count, so that a stolen earlier key cannot use up its quota.
    if before.len() >= MOST_ADDRESSES
        && ClaimAddress::signed_with(&before, &own, subject, &key).len() >= MOST_ADDRESSES
    {
        return Err(conflict("of one of the key's 1000 addresses, which are all that may be sent with it"));
    }
    let counting = ClaimAddress::in_force(&before, &own, subject, &key);
    let counts = counting.iter().find(|claim| claim.chain_id == message.chain_id);
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
