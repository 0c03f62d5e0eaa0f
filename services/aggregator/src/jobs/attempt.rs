//! One attempt at a job. This file names the code for each kind of job.

use futures::{FutureExt, future::BoxFuture};
use kit::{Result, tx::run_tx};

use crate::{
    flow::log,
    round::{
        ended::Retire, folding::Fold, preparing, published::Pay, publishing::Publish, releasing::Release,
        settling::Settle, step, unmasking::Unmask, verifying,
    },
    state::App,
    store::{jobs::Kind, leases::Held},
};

/// Tries to do the jobs, and finishes them.
pub(super) fn attempt<'a>(app: &'a App, held: &'a Held) -> BoxFuture<'a, Result<()>> {
    match held.kind() {
        Kind::Prepare => prepare(app, held).boxed(),
        Kind::Verify => verifying::run(app, held).boxed(),
        Kind::Close => step::run(app, held, &Settle).boxed(),
        Kind::Fold => async { step::run(app, held, &Fold { chunk: held.chunk()? }).await }.boxed(),
        Kind::Release => step::run(app, held, &Release).boxed(),
        Kind::Unmask => async { step::run(app, held, &Unmask { chunk: held.chunk()? }).await }.boxed(),
        Kind::Publish => step::run(app, held, &Publish).boxed(),
        Kind::Retire => step::run(app, held, &Retire).boxed(),
        Kind::Payout => step::run(app, held, &Pay).boxed(),
        Kind::Checkpoint => checkpoint(app, held).boxed(),
    }
}

/// Continues the creation of a round whose request was interrupted.
async fn prepare(app: &App, held: &Held) -> Result<()> {
    preparing::open(app, held.round_id()).await?;
    finish(app, held, "prepare").await
}

/// Signs a checkpoint that covers everything that is recorded of the round.
async fn checkpoint(app: &App, held: &Held) -> Result<()> {
    log::seal(app).await?;
    finish(app, held, "checkpoint").await
}

/// Finishes jobs in a transaction of this name that records nothing else.
async fn finish(app: &App, held: &Held, name: &'static str) -> Result<()> {
    run_tx(&app.db, name, async |mut tx| {
        held.finish(&mut tx, app.now()).await?;
        Ok((tx, ()))
    })
    .await
}
