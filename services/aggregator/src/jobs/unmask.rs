//! Unmasking: one chunk of the sum, once every holder's sum of key shares is known.

use std::sync::Arc;

use api::rounds::RoundState;
use kit::{Error, Result, column::Column, tx::run_tx};
use masking::{ChunkSum, unmask_chunk};
use names::SetRoot;
use protocol::{Canonical, ReleaseAnswer, roles::aggregator::sum_key};

use super::Held;
use crate::{
    flow::{
        rounds,
        sum::{SumLocation, read_words, write_words},
    },
    state::App,
    store::{
        closing::{self, UnmaskedRow},
        jobs::{self, Kind},
        rounds::{self as stored, RoundRow},
    },
};

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let (round_id, chunk) = (held.round_id(), held.chunk()?);
    let row = rounds::find(app, round_id).await?;
    let unmasked = match (row.state.0, row.root) {
        (RoundState::Unmasking, Some(root)) => Some(unmask(app, &row, &root, chunk).await?),
        _ => None,
    };
    let (index, now) = (i32::try_from(chunk).map_err(Error::fault)?, app.now());
    run_tx(&app.db, "unmask", async |mut tx| {
        let round = stored::lock(&mut tx, &round_id).await?;
        let unmasking = round.filter(|round| round.state.0 == RoundState::Unmasking);
        if let (Some(round), Some(unmasked)) = (unmasking, unmasked) {
            let count = closing::chunk_unmasked(&mut tx, &round_id, index, unmasked, now).await?;
            if count == i64::from(round.chunks) {
                jobs::enqueue(&mut tx, Kind::Publish, &round_id, &[String::new()], now, now).await?;
            }
        }
        held.finish(&mut tx, now).await?;
        Ok((tx, ()))
    })
    .await
}

async fn unmask(app: &App, row: &RoundRow, root: &SetRoot, chunk: u64) -> Result<UnmaskedRow> {
    let answers = closing::answers(&app.db, &row.round_id).await?;
    let answers: std::result::Result<Vec<_>, _> =
        answers.iter().map(|a| ReleaseAnswer::from_bytes(a)).collect();
    let answers = answers.map_err(Error::fault)?;
    let count = answers.first().map_or(0, |answer| u64::from(answer.count));
    let round = rounds::verified(row)?;
    let _buffers = app.chunk_buffers.acquire().await.map_err(Error::fault)?;
    let location = SumLocation::new(&row.round_hash, root);
    let coefficients = round.constants().chunk_coefficients(chunk);
    let index = i32::try_from(chunk).map_err(Error::fault)?;
    let digest = closing::folded_digest(&app.db, &row.round_id, index).await?;
    let words = read_words(app, location.folded(chunk), coefficients, digest).await?;
    let backend = Arc::clone(&app.backend);
    let unmasked = app.compute.run(move || {
        let sum = ChunkSum::from_words(round.constants(), chunk, count, words)?;
        unmask_chunk(&*backend, round.constants(), &round.document().mask_seed, &sum_key(&answers), &sum)
    });
    let unmasked = unmasked.await?.map_err(Error::fault)?;
    let digest = write_words(app, &location.unmasked(chunk), &unmasked.sums, i64::to_le_bytes).await?;
    Ok(UnmaskedRow { digest: Column(digest), residual_max: unmasked.residual_max.cast_signed() })
}
