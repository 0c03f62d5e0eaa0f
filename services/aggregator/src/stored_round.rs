//! A round as it is stored in the database.

use api::ProblemKind;
use kit::{Error, Result};
use names::RoundId;
use protocol::{Canonical, RoundDocument, VerifiedRound};

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
