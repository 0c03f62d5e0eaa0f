//! A round as it is stored in the database.

use api::ProblemKind;
use kit::{
    Error, Result,
    vault::round_key::{self, PublicHalf},
};
use names::RoundId;
use protocol::{Canonical, RoundDocument, VerifiedRound, roles::aggregator::HOLDER};
use sharing::RoundKeyPair;

use crate::{
    state::App,
    store::rounds::{self, RoundRow},
};

/// One round's row.
///
/// # Errors
/// An abort when there is no such round.
pub(crate) async fn find(app: &App, round_id: RoundId) -> Result<RoundRow> {
    rounds::find(&app.db, &round_id).await?.ok_or_else(|| Error::abort(ProblemKind::NotFound))
}

/// The round that a stored row describes. Its signatures were checked when it was stored.
///
/// # Errors
/// A fault when the stored document breaks a rule.
pub(crate) fn verified(round: &RoundRow) -> Result<VerifiedRound> {
    let document = RoundDocument::from_bytes(&round.document).map_err(Error::fault)?;
    VerifiedRound::trusted(document).map_err(Error::fault)
}

/// The aggregator's own private key of a round, as the document names it.
///
/// # Errors
/// A fault when the vault lacks the key, or has another one.
pub(crate) async fn own_key(app: &App, round: &VerifiedRound) -> Result<RoundKeyPair> {
    let own = &round.document().holders[usize::from(HOLDER)];
    let recorded = PublicHalf { id: own.hpke_key_id, key: own.hpke_public_key };
    let key = round_key::find(&app.vault, round.document().round_id, &recorded).await?;
    key.ok_or_else(|| Error::fault("the round's key is not in the vault"))
}
