//! Folding: one chunk of every member's body, added. The result is an object whose name holds the set's root, so that
//! doing it twice writes the same bytes in the same place.

use std::sync::Arc;

use api::rounds::RoundState;
use futures::StreamExt;
use kit::{Error, Result};
use lattice::CHUNK_COEFFICIENTS;
use masking::{ChunkSum, RoundConstants};

use super::Held;
use crate::{
    flow::{
        members, rounds,
        sum::{SumLocation, write_words},
    },
    state::App,
    store::{
        self, closing,
        jobs::{self, Kind},
        rounds as stored,
    },
};

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let (round_id, chunk) = (held.round_id(), held.chunk()?);
    let round = rounds::find(app, round_id).await?;
    if let (RoundState::Folding, Some(root)) = (round.state.0, round.root) {
        let _buffers = app.chunk_buffers.acquire().await.map_err(Error::fault)?;
        let constants = *rounds::verified(&round)?.constants();
        let sum = add_members(app, round_id, constants, chunk).await?;
        let location = SumLocation::new(&round.round_hash, &root).folded(chunk);
        write_words(app, &location, sum.words(), u64::to_le_bytes).await?;
    }
    record(app, held, chunk).await
}

async fn add_members(
    app: &App,
    round_id: [u8; 16],
    constants: RoundConstants,
    chunk: u64,
) -> Result<ChunkSum> {
    let start = chunk * constants.width().bytes(CHUNK_COEFFICIENTS) as u64;
    let end = start + constants.chunk_bytes(chunk) as u64;
    let mut sum = ChunkSum::new(&constants, chunk).map_err(Error::fault)?;
    let mut members = std::pin::pin!(members::stream(app, round_id));
    while let Some(member) = members.next().await {
        let packed = app.blobs.range(&member?.body_location, start, end).await?;
        let backend = Arc::clone(&app.backend);
        let added = app.compute.run(move || sum.add(&*backend, &constants, &[&packed]));
        sum = added.await?.map_err(Error::fault)?;
    }
    Ok(sum)
}

/// The last chunk to be added asks for the release.
async fn record(app: &App, held: &Held, chunk: u64) -> Result<()> {
    let (round_id, now) = (held.round_id(), app.now());
    let chunk = i32::try_from(chunk).map_err(Error::fault)?;
    let mut tx = store::begin(&app.db).await?;
    let round = stored::lock(&mut tx, &round_id).await?;
    if let Some(round) = round.filter(|round| round.state.0 == RoundState::Folding) {
        let folded = closing::chunk_folded(&mut tx, &round_id, chunk, now).await?;
        if folded == i64::from(round.chunks) {
            stored::folded(&mut tx, &round_id, now).await?;
            jobs::enqueue(&mut tx, Kind::Release, &round_id, &[String::new()], now, now).await?;
        }
    }
    held.finish(&mut tx, now).await?;
    Ok(tx.commit().await?)
}
