//! State `unmasking`: every holder's sum of key shares is known, and the masks are removed from the
//! sum, chunk by chunk.

use std::sync::Arc;

use api::rounds::RoundState;
use kit::{Error, Result, column::Column};
use masking::{ChunkSum, unmask_chunk};
use names::SetRoot;
use protocol::{Canonical, ReleaseAnswer, roles::aggregator::sum_key};

use super::{
    lifecycle::{Event, LockedRound, set_root},
    step::{Next, Step},
};
use crate::{
    blobs::object_names::SumNames,
    state::App,
    store::{
        closing::{self, UnmaskedRow},
        jobs::Kind,
        rounds::{Facts, RoundRow},
    },
    stored_round,
    sum::{read_words, write_words},
};

/// Asks for the chunks of the sum, once every holder has answered.
pub(crate) async fn enter(round: &mut LockedRound<'_>) -> Result<()> {
    round.advance(Event::AllReleased, Facts::default()).await?;
    round.enqueue_for_chunks(Kind::Unmask).await
}

/// Job `unmask`: unmasks one chunk of the sum and stores it.
pub(crate) struct Unmask {
    pub(crate) chunk: u64,
}

impl Step for Unmask {
    const NAME: &'static str = "unmask";
    const STATES: &'static [RoundState] = &[RoundState::Unmasking];

    type Done = UnmaskedRow;

    async fn work(&self, app: &App, round: &RoundRow) -> Result<UnmaskedRow> {
        unmask(app, round, &set_root(round)?, self.chunk).await
    }

    /// The last chunk asks for the result ([`super::publishing`]).
    async fn record(&self, _: &App, round: &mut LockedRound<'_>, unmasked: &UnmaskedRow) -> Result<Next> {
        let (round_id, now) = (round.id(), round.now);
        let chunk = i32::try_from(self.chunk).map_err(Error::fault)?;
        let count = closing::record_unmasked(round.tx, &round_id, chunk, *unmasked, now).await?;
        if count == i64::from(round.row.chunks) {
            round.enqueue(Kind::Publish, "").await?;
        }
        Ok(Next::Finish)
    }
}

async fn unmask(app: &App, row: &RoundRow, root: &SetRoot, chunk: u64) -> Result<UnmaskedRow> {
    let answers = closing::answers(&app.db, &row.round_id).await?;
    let decode = |bytes: &Vec<u8>| ReleaseAnswer::from_bytes(bytes).map_err(Error::fault);
    let answers: Vec<ReleaseAnswer> = answers.iter().map(decode).collect::<Result<_>>()?;
    let count = answers.first().map_or(0, |answer| u64::from(answer.count));
    let round = stored_round::verified(row)?;
    let _buffers = app.chunk_buffers.acquire().await.map_err(Error::fault)?;
    let names = SumNames::new(&row.round_hash, root);
    let coefficients = round.constants().chunk_coefficients(chunk);
    let index = i32::try_from(chunk).map_err(Error::fault)?;
    let digest = closing::folded_digest(&app.db, &row.round_id, index).await?;
    let words = read_words(app, names.folded(chunk), coefficients, digest).await?;
    let backend = Arc::clone(&app.backend);
    let key = sum_key(&round, &answers).map_err(Error::fault)?;
    let unmasked = app.compute.run(move || {
        let sum = ChunkSum::from_words(round.constants(), chunk, count, words)?;
        unmask_chunk(&*backend, round.constants(), &round.document().mask_seed, &key, &sum)
    });
    let unmasked = unmasked.await?.map_err(Error::fault)?;
    let digest = write_words(app, &names.unmasked(chunk), &unmasked.sums, i64::to_le_bytes).await?;
    Ok(UnmaskedRow { digest: Column(digest), residual_max: unmasked.residual_max.cast_signed() })
}
