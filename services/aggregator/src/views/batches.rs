//! Batches, and what each participant can claim from them.

use std::sync::Arc;

use api::{
    ProblemKind,
    participants::Page,
    payouts::{Batch, Claim, ClaimProof},
};
use kit::{Error, Result};
use ledger::{payout_tree::Address, payout_tree::StandardDump};
use names::Subject;

use crate::{
    batches::{HandedOver, amount},
    state::App,
    store::batches::{self as stored, BatchRow, LineRow},
};

/// At most `limit` batches that follow `after`.
pub(crate) async fn list(app: &App, after: u64, limit: u16) -> Result<Page<Batch>> {
    let after = i64::try_from(after).map_err(|_| Error::abort(ProblemKind::NotFound))?;
    let rows = stored::list(&app.db, after, i64::from(limit)).await?;
    let next = rows.last().filter(|_| rows.len() == usize::from(limit)).map(|row| row.batch_id.to_string());
    Ok(Page { items: rows.into_iter().map(view).collect::<Result<_>>()?, next })
}

fn view(row: BatchRow) -> Result<Batch> {
    Ok(Batch {
        batch_id: row.batch_id.cast_unsigned(),
        round_id: row.round_id.map(|id| id.0),
        asset: row.asset,
        root: row.root.0,
        lines: row.lines.cast_unsigned(),
        total: amount(&row.total)?,
        made_at_ms: row.made_at.ms(),
        payment: row.payment,
    })
}

/// One batch.
pub(crate) async fn batch(app: &App, batch_id: u64) -> Result<Batch> {
    let batch_id = i64::try_from(batch_id).map_err(|_| Error::abort(ProblemKind::NotFound))?;
    let row = stored::find(&app.db, batch_id).await?;
    view(row.ok_or_else(|| Error::abort(ProblemKind::NotFound))?)
}

/// Loads a batch with its tree, which is checked against the recorded root. The batch that was
/// loaded last is kept, since all participants ask for the same batch after a round.
async fn load(app: &App, batch_id: u64) -> Result<Arc<HandedOver>> {
    let mut kept = app.last_batch.lock().await;
    if let Some(batch) = kept.as_ref().filter(|batch| batch.batch_id() == batch_id) {
        return Ok(batch.clone());
    }
    let batch = batch(app, batch_id).await?;
    let lines = stored::lines(&app.db, batch_id.cast_signed()).await?;
    let built = Arc::new(app.compute.run(move || HandedOver::new(batch_id, lines)).await??);
    if built.root() != batch.root {
        return Err(Error::fault("the lines are not the root's"));
    }
    Ok(kept.insert(built).clone())
}

/// A batch's tree in the format of `@openzeppelin/merkle-tree`.
pub(crate) async fn dump(app: &App, batch_id: u64) -> Result<StandardDump> {
    Ok(load(app, batch_id).await?.dump())
}

/// A batch's lines as comma-separated values.
pub(crate) async fn csv(app: &App, batch_id: u64) -> Result<String> {
    Ok(load(app, batch_id).await?.csv())
}

/// The proof with which a participant gets its balance from the distributor's contract.
pub(crate) async fn proof(app: &App, batch_id: u64, subject: &Subject) -> Result<ClaimProof> {
    load(app, batch_id).await?.proof(subject)
}

/// Turns a line of a batch into the claim that its participant sees.
pub(crate) fn claim(row: LineRow) -> Result<Claim> {
    Ok(Claim {
        batch_id: row.batch_id.cast_unsigned(),
        address: Address::from_bytes(row.address).to_string(),
        amount: amount(&row.amount)?,
    })
}
