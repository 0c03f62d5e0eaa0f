//! Batches that are made at the operator's request.

use api::{
    ProblemKind,
    payouts::{Batch, MakeBatch},
};
use kit::{Error, Result, tx::run_tx};

use crate::{
    payouts::{hand_over, token},
    state::App,
    store::books,
    views::batches::batch,
};

/// Makes a batch of the balances in a token, although no round is paid now.
pub(crate) async fn make_batch(app: &App, request: &MakeBatch) -> Result<Batch> {
    let token = token("token", &request.token)?;
    let made = run_tx(&app.db, "make batch", async |mut tx| {
        books::lock(&mut tx).await?;
        let made = hand_over(&mut tx, &app.pins.aggregator, None, &token, app.now()).await?;
        Ok((tx, made))
    });
    let nothing =
        "what was handed over before, also by a request whose answer was lost, is at /v1/payouts/batches";
    let batch_id = made.await?.ok_or_else(|| Error::abort(ProblemKind::NothingOwed).detail(nothing))?;
    tracing::info!(batch_id, asset = %token, "batch made");
    batch(app, batch_id.cast_unsigned()).await
}
