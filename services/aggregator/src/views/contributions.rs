//! A contribution's state, and the proof that it is in the sum.

use api::{
    HexBytes, ProblemKind,
    contributions::{ContributionState, ContributionView, InclusionView},
};
use kit::{Error, Result};
use names::{ContributionId, RoundId};

use super::kept;
use crate::{
    blobs::ByteStream,
    state::App,
    store::{
        closing,
        contributions::{self, ContributionRow},
    },
    stored_round,
};

/// One contribution.
pub(crate) async fn show(
    app: &App,
    round_id: RoundId,
    contribution_id: ContributionId,
) -> Result<ContributionView> {
    find(app, round_id, contribution_id).await.map(view)
}

/// The proof that a contribution is in the published sum.
pub(crate) async fn inclusion(
    app: &App,
    round_id: RoundId,
    contribution_id: ContributionId,
) -> Result<InclusionView> {
    let row = find(app, round_id, contribution_id).await?;
    let round = stored_round::find(app, round_id).await?;
    let result = closing::find_result(&app.db, &round_id).await?;
    let index = closing::member_index(&app.db, &round_id, &contribution_id).await?;
    let (Some(root), Some(result), Some(index)) = (round.root, result, index) else {
        return Err(not_included(&row));
    };
    let members = closing::member_hashes(&app.db, &round_id).await?;
    let index = usize::try_from(index).map_err(Error::fault)?;
    let proof = app.compute.run(move || ledger::prove(&members, index)).await?.map_err(Error::fault)?;
    Ok(InclusionView {
        root: root.0,
        header_hash: row.header_hash.0,
        index: proof.index(),
        size: proof.size(),
        path: proof.path().to_vec(),
        result: HexBytes(result.result),
    })
}

/// The masked body of a contribution that is included, or whose proof was refused, and its length.
pub(crate) async fn body(
    app: &App,
    round_id: RoundId,
    contribution_id: ContributionId,
) -> Result<(u64, ByteStream)> {
    let row = find(app, round_id, contribution_id).await?;
    let refused_proof = row.reason.as_deref() == Some(ProblemKind::ProofRefused.code());
    if row.state.0 != ContributionState::Included && !refused_proof {
        return Err(not_included(&row));
    }
    kept::check(app, &round_id).await?;
    let length = stored_round::verified(&stored_round::find(app, round_id).await?)?.constants().body_bytes();
    Ok((length, app.blobs.stream(row.body_object_name, length)))
}

fn not_included(row: &ContributionRow) -> Error {
    match row.state.0 {
        ContributionState::Received | ContributionState::Verified => Error::abort(ProblemKind::NotReady),
        _ => Error::abort(ProblemKind::NotFound).detail("the contribution is not in a published sum"),
    }
}

async fn find(app: &App, round_id: RoundId, contribution_id: ContributionId) -> Result<ContributionRow> {
    let row = contributions::find(&app.db, &round_id, &contribution_id).await?;
    row.ok_or_else(|| Error::abort(ProblemKind::NotFound))
}

/// Turns a stored contribution into the one that callers see.
pub(crate) fn view(row: ContributionRow) -> ContributionView {
    ContributionView {
        round_id: row.round_id.0,
        contribution_id: row.contribution_id.0,
        header_hash: row.header_hash.0,
        state: row.state.0,
        reason: row.reason,
        receipt: HexBytes(row.receipt),
        received_at_ms: row.received_at.ms(),
    }
}
