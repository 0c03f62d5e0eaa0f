//! The log: entries get their places, checkpoints are signed, proofs are made.

use api::{
    ProblemKind,
    log::{CheckpointView, ConsistencyView, EntryView, LogInclusionView},
};
use kit::{Error, Result, column::Column, tx::run_tx};
use ledger::{Checkpoint, ConsistencyPlan, Frontier, Hash, InclusionPlan, NodeId, verify_consistency};
use names::{ContributionId, RoundId};
use sqlx::PgExecutor;

use crate::{
    log_head::{self, LogHead},
    metrics,
    state::App,
    store::log::{self as stored, CheckpointRow, EntryRow},
};

/// Entries that get their places in one transaction.
const BATCH: i32 = 1_000;

/// Gives every waiting entry its place. Entries that were committed before this is called have one when it returns.
pub(crate) async fn sequence(app: &App) -> Result<()> {
    while sequence_batch(app).await? >= BATCH {}
    Ok(())
}

/// Entries and the nodes above them, in one transaction.
async fn sequence_batch(app: &App) -> Result<i32> {
    let count = run_tx(&app.db, "sequence", async |mut tx| {
        let placed = stored::sequence(&mut tx, BATCH).await?;
        if let Some(&(first, _)) = placed.first() {
            let mut frontier = frontier(&mut *tx, first.cast_unsigned()).await?;
            let nodes: Vec<(NodeId, Hash)> =
                placed.iter().flat_map(|&(_, leaf_hash)| frontier.append(leaf_hash)).collect();
            stored::insert_nodes(&mut tx, &nodes).await?;
        }
        Ok((tx, placed.len()))
    });
    let count = count.await?;
    metrics::entries_sequenced(count as u64);
    i32::try_from(count).map_err(Error::fault)
}

/// The right edge of the tree of the first `size` entries.
async fn frontier(db: impl PgExecutor<'_>, size: u64) -> Result<Frontier> {
    let hashes = stored::nodes(db, &Frontier::nodes(size)).await?;
    Frontier::from_nodes(size, &hashes).map_err(Error::fault)
}

/// Signs what has a place, if that is more than the last checkpoint covers and continues it.
///
/// # Errors
/// A fault when the log does not continue what was signed last, as the database or the vault remembers it: a log that
/// somebody has rewritten, or set back to a backup, is not signed.
pub(crate) async fn sign_checkpoint(app: &App) -> Result<()> {
    // Before the database is asked: by then the log may only have become longer.
    let kept = log_head::load(&app.vault).await?;
    let Some(size) = stored::unsigned(&app.db).await? else { return Ok(()) };
    let head =
        LogHead { size: size.cast_unsigned(), root: frontier(&app.db, size.cast_unsigned()).await?.root() };
    let last = stored::latest(&app.db).await?;
    let last = last.map(|row| LogHead { size: row.size.cast_unsigned(), root: row.root.0 });
    if last.is_some_and(|last| head.size <= last.size) {
        return Ok(());
    }
    for earlier in [last, kept].into_iter().flatten() {
        continues(app, &earlier, &head).await?;
    }
    // Before anybody can see the signature.
    log_head::keep(&app.vault, head).await?;
    let LogHead { size, root } = head;
    let checkpoint = Checkpoint { origin: app.log_signer.name().to_owned(), size, root };
    let note = checkpoint.sign(&app.log_signer).map_err(Error::fault)?;
    let row = CheckpointRow { size: size.cast_signed(), root: Column(root), note, signed_at: app.now() };
    stored::insert_checkpoint(&app.db, &row).await?;
    metrics::checkpoint_signed(size);
    tracing::info!(size, %root, "checkpoint signed");
    Ok(())
}

/// Whether the tree `head` continues the tree `earlier`, which was signed or was about to be.
async fn continues(app: &App, earlier: &LogHead, head: &LogHead) -> Result<()> {
    if earlier == head {
        return Ok(());
    }
    if earlier.size >= head.size {
        return Err(Error::fault(
            "the log is not what was signed: has the database been set back to a backup?",
        ));
    }
    let plan = ConsistencyPlan::new(earlier.size, head.size).map_err(Error::fault)?;
    let path = plan.proof(&stored::nodes(&app.db, plan.nodes()).await?).map_err(Error::fault)?;
    verify_consistency(earlier.size, &earlier.root, head.size, &head.root, &path).map_err(Error::fault)
}

/// Everything that was written before this is called is covered by a checkpoint when it returns.
pub(crate) async fn seal(app: &App) -> Result<()> {
    sequence(app).await?;
    sign_checkpoint(app).await
}

/// Tells the metrics how far the log is behind.
pub(crate) async fn measure_lag(app: &App) -> Result<()> {
    let (entries, since) = stored::waiting(&app.db).await?;
    let lag_ms = since.map_or(0, |since| app.now().ms_since(since).max(0));
    metrics::log_lag(entries.cast_unsigned(), lag_ms.cast_unsigned());
    metrics::receipts_overdue(stored::overdue(&app.db).await?.cast_unsigned());
    Ok(())
}

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

/// The proof that a contribution's receipt is kept: its first entry is in the tree of the last checkpoint.
pub(crate) async fn contribution(
    app: &App,
    round_id: RoundId,
    contribution_id: ContributionId,
) -> Result<LogInclusionView> {
    super::contributions::show(app, round_id, contribution_id).await?;
    let key = format!("{}/{}", round_id, contribution_id);
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
