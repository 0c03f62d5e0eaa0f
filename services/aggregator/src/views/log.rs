//! The log as callers see it: checkpoints, entries and proofs.

use api::{
    ProblemKind,
    log::{CheckpointView, ConsistencyView, EntryView, LogInclusionView},
};
use kit::{Error, Result};
use ledger::{ConsistencyPlan, InclusionPlan};
use names::{ContributionId, RoundId};

use super::contributions;
use crate::{
    state::App,
    store::log::{self as stored, CheckpointRow, EntryRow},
};

/// The checkpoint signed last.
pub(crate) async fn latest(app: &App) -> Result<CheckpointView> {
    let row = stored::latest(&app.db).await?.ok_or_else(|| Error::abort(ProblemKind::NotReady))?;
    Ok(view(row))
}

fn view(row: CheckpointRow) -> CheckpointView {
    CheckpointView {
        size: row.size.cast_unsigned(),
        root: row.root.0,
        note: row.note,
        signed_at_ms: row.signed_at.ms(),
    }
}

/// At most `limit` entries from `from`.
pub(crate) async fn entries(app: &App, from: u64, limit: u16) -> Result<Vec<EntryView>> {
    let from = i64::try_from(from).map_err(|_| out_of_range("from", "the index of an entry"))?;
    let rows = stored::entries(&app.db, from, i64::from(limit)).await?;
    Ok(rows.into_iter().map(entry).collect())
}

fn entry(row: EntryRow) -> EntryView {
    EntryView { index: row.index.cast_unsigned(), payload: row.payload, leaf_hash: row.leaf_hash.0 }
}

/// The proof that an entry is in the tree of the last checkpoint.
pub(crate) async fn inclusion(app: &App, index: u64) -> Result<LogInclusionView> {
    let checkpoint = latest(app).await?;
    if index >= checkpoint.size {
        return Err(Error::abort(ProblemKind::NotReady).detail("no checkpoint covers this entry yet"));
    }
    let row = stored::entries(&app.db, index.cast_signed(), 1).await?.pop();
    let row = row.ok_or_else(|| Error::fault("an entry is missing"))?;
    let plan = InclusionPlan::new(index, checkpoint.size).map_err(Error::fault)?;
    let path = plan.proof(&stored::nodes(&app.db, plan.nodes()).await?).map_err(Error::fault)?;
    Ok(LogInclusionView { entry: entry(row), checkpoint, path: path.into_iter().collect() })
}

/// The proof that the aggregator kept the promise of a contribution's receipt. It shows that the
/// first entry about the contribution is in the tree of the last checkpoint.
pub(crate) async fn contribution(
    app: &App,
    round_id: RoundId,
    contribution_id: ContributionId,
) -> Result<LogInclusionView> {
    contributions::show(app, round_id, contribution_id).await?;
    let key = format!("{round_id}/{contribution_id}");
    let index = stored::first_index(&app.db, "contributions", &key).await?;
    let index =
        index.ok_or_else(|| Error::abort(ProblemKind::NotReady).detail("it has no place in the log yet"))?;
    inclusion(app, index.cast_unsigned()).await
}

/// The proof that the tree of the first `to` entries continues that of the first `from`.
pub(crate) async fn consistency(app: &App, from: u64, to: u64) -> Result<ConsistencyView> {
    if from == 0 || from > to {
        return Err(out_of_range("from", "at least 1 and at most `to`"));
    }
    if to > latest(app).await?.size {
        return Err(out_of_range("to", "at most the size of the last checkpoint"));
    }
    let plan = ConsistencyPlan::new(from, to).map_err(Error::fault)?;
    let path = plan.proof(&stored::nodes(&app.db, plan.nodes()).await?).map_err(Error::fault)?;
    Ok(ConsistencyView { from, to, path: path.into_iter().collect() })
}

fn out_of_range(field: &'static str, rule: &'static str) -> Error {
    Error::abort(ProblemKind::InvalidParameter).field(field, rule)
}
