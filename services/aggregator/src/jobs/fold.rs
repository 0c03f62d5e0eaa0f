//! Folding: one chunk of every member's body, a few of them added at a time. The result is an object whose name holds the set's
//! root, so that doing it twice writes the same bytes in the same place.

use std::sync::Arc;

use api::rounds::RoundState;
use futures::{StreamExt, future::try_join_all};
use kit::{Error, Result, tx::run_tx};
use lattice::CHUNK_COEFFICIENTS;
use masking::{ChunkSum, RoundConstants};
use names::{ChunkDigest, RoundId, SetRoot};
use protocol::body::BodyDigests;

use super::Held;
use crate::{
    flow::{
        members, rounds,
        sum::{SumLocation, write_words},
    },
    state::App,
    store::{
        closing::{self, MemberRow},
        jobs::{self, Kind},
        rounds::{self as stored, RoundRow},
    },
};

/// Members whose chunks are read and added at once: each takes up to 5.5 MB.
const MEMBERS_AT_ONCE: usize = 3;

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let (round_id, chunk) = (held.round_id(), held.chunk()?);
    let round = rounds::find(app, round_id).await?;
    let folded = match (round.state.0, round.root) {
        (RoundState::Folding, Some(root)) => Some(fold(app, &round, &root, chunk).await?),
        _ => None,
    };
    record(app, held, chunk, folded).await
}

/// Adds a chunk, stores the sum and answers its digest.
async fn fold(app: &App, round: &RoundRow, root: &SetRoot, chunk: u64) -> Result<ChunkDigest> {
    let _buffers = app.chunk_buffers.acquire().await.map_err(Error::fault)?;
    let constants = *rounds::verified(round)?.constants();
    let sum = add_members(app, round.round_id.0, constants, chunk).await?;
    let location = SumLocation::new(&round.round_hash, root).folded(chunk);
    write_words(app, &location, sum.words(), u64::to_le_bytes).await
}

async fn add_members(
    app: &App,
    round_id: RoundId,
    constants: RoundConstants,
    chunk: u64,
) -> Result<ChunkSum> {
    let index = usize::try_from(chunk).map_err(Error::fault)?;
    let start = chunk * constants.width().bytes(CHUNK_COEFFICIENTS) as u64;
    let end = start + constants.chunk_bytes(chunk) as u64;
    let mut sum = ChunkSum::new(&constants, chunk).map_err(Error::fault)?;
    let mut groups = std::pin::pin!(members::stream(app, round_id).chunks(MEMBERS_AT_ONCE));
    while let Some(group) = groups.next().await {
        let group: Vec<MemberRow> = group.into_iter().collect::<Result<_>>()?;
        let reading = group.iter().map(|member| app.blobs.range(&member.body_object_name, start, end));
        let bodies = try_join_all(reading).await?;
        let backend = Arc::clone(&app.backend);
        let added = app.compute.run(move || {
            for (member, packed) in group.iter().zip(&bodies) {
                if chunk_digests(member)?.is_some_and(|digests| !digests.is_chunk(index, packed)) {
                    return Err(Error::fault("a stored body is not the one that was received"));
                }
            }
            let bodies: Vec<&[u8]> = bodies.iter().map(|packed| &packed[..]).collect();
            sum.add(&*backend, &constants, &bodies).map_err(Error::fault)
        });
        sum = added.await??;
    }
    Ok(sum)
}

/// The digests of a member's chunks, which are those that its participant signed.
fn chunk_digests(member: &MemberRow) -> Result<Option<BodyDigests>> {
    let Some(bytes) = &member.chunk_digests else { return Ok(None) };
    let signed = members::header(member)?.body_digest;
    let digests = BodyDigests::from_bytes(bytes).filter(|digests| digests.body() == signed);
    let changed = || Error::fault("the digests of a body's chunks are not those that were received");
    digests.ok_or_else(changed).map(Some)
}

/// The last chunk to be added asks for the release.
async fn record(app: &App, held: &Held, chunk: u64, folded: Option<ChunkDigest>) -> Result<()> {
    let (round_id, now) = (held.round_id(), app.now());
    let chunk = i32::try_from(chunk).map_err(Error::fault)?;
    run_tx(&app.db, "fold", async |mut tx| {
        let round = stored::lock(&mut tx, &round_id).await?;
        let folding = round.filter(|round| round.state.0 == RoundState::Folding);
        if let (Some(round), Some(digest)) = (folding, folded) {
            let count = closing::chunk_folded(&mut tx, &round_id, chunk, digest, now).await?;
            if count == i64::from(round.chunks) {
                stored::folded(&mut tx, &round_id, now).await?;
                jobs::enqueue(&mut tx, Kind::Release, &round_id, &[String::new()], now, now).await?;
            }
        }
        held.finish(&mut tx, now).await?;
        Ok((tx, ()))
    })
    .await
}
