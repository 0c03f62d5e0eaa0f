//! The growth of the log: entries get their index, and checkpoints are signed.

use kit::{Error, Result, column::Column, tx::run_tx};
use ledger::{Checkpoint, ConsistencyPlan, Frontier, Hash, NodeId, verify_consistency};
use sqlx::PgExecutor;

use crate::{
    log_head::{self, LogHead},
    metrics,
    state::App,
    store::log::{self as stored, CheckpointRow},
};

/// The most entries that get their index in one transaction.
const BATCH: i32 = 1_000;

/// Gives every waiting entry its index. Entries that were committed before the call have one when
/// it returns.
pub(crate) async fn sequence(app: &App) -> Result<()> {
    while sequence_batch(app).await? >= BATCH {}
    Ok(())
}

/// Gives a batch of entries their index and stores the nodes above them, in one transaction.
async fn sequence_batch(app: &App) -> Result<i32> {
    let count = run_tx(&app.db, "sequence", async |mut tx| {
        let indexed = stored::sequence(&mut tx, BATCH).await?;
        if let Some(&(first, _)) = indexed.first() {
            let mut frontier = frontier(&mut *tx, first.cast_unsigned()).await?;
            let nodes: Vec<(NodeId, Hash)> =
                indexed.iter().flat_map(|&(_, leaf_hash)| frontier.append(leaf_hash)).collect();
            stored::insert_nodes(&mut tx, &nodes).await?;
        }
        Ok((tx, indexed.len()))
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

/// Signs a checkpoint over all entries that have an index, if there are more than the last
/// checkpoint covers.
///
/// # Errors
/// A fault if the log does not continue the log that was signed last, which the database or the
/// vault remembers. So a log is not signed after somebody has rewritten it or restored it from a
/// backup.
pub(crate) async fn sign_checkpoint(app: &App) -> Result<()> {
    // Ask the vault first. The log can only be longer when the database is asked.
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
    // Keep the head before anyone can see the signature.
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

/// Checks that the tree `head` continues the tree `earlier`, which was signed or was about to be.
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

/// Signs a checkpoint over everything that was written before the call.
pub(crate) async fn seal(app: &App) -> Result<()> {
    sequence(app).await?;
    sign_checkpoint(app).await
}

/// Reports in the metrics how many entries and receipts still wait for the log.
pub(crate) async fn measure_lag(app: &App) -> Result<()> {
    let (entries, since) = stored::waiting(&app.db).await?;
    let lag_ms = since.map_or(0, |since| app.now().ms_since(since).max(0));
    metrics::log_lag(entries.cast_unsigned(), lag_ms.cast_unsigned());
    metrics::receipts_overdue(stored::overdue(&app.db).await?.cast_unsigned());
    Ok(())
}
