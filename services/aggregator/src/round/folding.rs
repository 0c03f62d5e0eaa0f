//! State `folding`. For each chunk, the bodies of all members are added. The sum is an object whose
//! name contains the set root. A second run writes the same bytes under the same name.

use std::sync::Arc;

use api::rounds::RoundState;
use futures::{StreamExt, future::try_join_all};
use kit::{Error, Result};
use lattice::CHUNK_COEFFICIENTS;
use masking::{ChunkSum, RoundConstants};
use names::{ChunkDigest, RoundId, SetRoot};
use protocol::BodyDigests;

use super::{
    lifecycle::{Event, LockedRound, set_root},
    releasing,
    step::{Next, Step},
};
use crate::{
    blobs::object_names::SumNames,
    members,
    state::App,
    store::{
        closing::{self, MemberRow},
        jobs::Kind,
        rounds::{Facts, RoundRow},
    },
    stored_round,
    sum::write_words,
};

/// The members whose chunks are read and added at once. Each takes up to 5.5 MB.
const MEMBERS_AT_ONCE: usize = 3;

/// Fixes the set of a settling round.
pub(crate) async fn enter(round: &mut LockedRound<'_>, root: &SetRoot) -> Result<()> {
    round.advance(Event::SetFixed, Facts { root: Some(root), ..Facts::default() }).await?;
    round.enqueue_for_chunks(Kind::Fold).await
}

/// Job `fold`: adds one chunk of every member's body and stores the sum.
pub(crate) struct Fold {
    pub(crate) chunk: u64,
}

impl Step for Fold {
    const NAME: &'static str = "fold";
    const STATES: &'static [RoundState] = &[RoundState::Folding];

    /// The digest of the stored sum.
    type Done = ChunkDigest;

    async fn work(&self, app: &App, round: &RoundRow) -> Result<ChunkDigest> {
        let root = set_root(round)?;
        let _buffers = app.chunk_buffers.acquire().await.map_err(Error::fault)?;
        let constants = *stored_round::verified(round)?.constants();
        let sum = add_members(app, round.round_id.0, constants, self.chunk).await?;
        let object_name = SumNames::new(&round.round_hash, &root).folded(self.chunk);
        write_words(app, &object_name, sum.words(), u64::to_le_bytes).await
    }

    /// The last chunk ends the state.
    async fn record(&self, _: &App, round: &mut LockedRound<'_>, digest: &ChunkDigest) -> Result<Next> {
        let (round_id, now) = (round.id(), round.now);
        let chunk = i32::try_from(self.chunk).map_err(Error::fault)?;
        let folded = closing::record_folded(round.tx, &round_id, chunk, *digest, now).await?;
        if folded == i64::from(round.row.chunks) {
            releasing::enter(round).await?;
        }
        Ok(Next::Finish)
    }
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

/// The digests of a member's chunks. Checks them against the body digest that its participant
/// signed.
fn chunk_digests(member: &MemberRow) -> Result<Option<BodyDigests>> {
    let Some(bytes) = &member.chunk_digests else { return Ok(None) };
    let signed = members::header(member)?.body_digest;
    let digests = BodyDigests::from_bytes(bytes).filter(|digests| digests.body() == signed);
    let changed = || Error::fault("the digests of a body's chunks are not those that were received");
    digests.ok_or_else(changed).map(Some)
}
