//! Checks whether the sealed seeds, proofs and bodies of a round still exist.

use api::ProblemKind;
use kit::{Error, Result};
use names::RoundId;

use crate::{state::App, store::retention};

/// Refuses the request if the sealed seeds, proofs and bodies of the round were erased.
pub(super) async fn check(app: &App, round_id: &RoundId) -> Result<()> {
    if retention::is_erased(&app.db, round_id).await? {
        return Err(Error::abort(ProblemKind::Erased));
    }
    Ok(())
}
