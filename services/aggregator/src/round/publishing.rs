//! The last work in state `unmasking`: the figures of the mean, and the signed result.

mod mean_figures;

use api::rounds::RoundState;
use futures::{StreamExt, TryStreamExt};
use kit::{Error, Result, column::Column};
use names::{ChunkDigest, RoundId, SetRoot};
use protocol::{Canonical, ContributionHeader, SumDigester, VerifiedRound, roles::aggregator::publish};
use sqlx::types::Json;

use self::mean_figures::MeanFigures;
use super::{
    lifecycle::{LockedRound, set_root},
    published,
    step::{Next, Step},
};
use crate::{
    blobs::object_names::SumNames,
    members, metrics,
    state::App,
    store::{
        closing::{self, ResultRow, UnmaskedRow},
        contributions,
        rounds::RoundRow,
    },
    stored_round,
    sum::decode,
};

/// Job `publish`: signs the result and publishes it.
pub(crate) struct Publish;

impl Step for Publish {
    const NAME: &'static str = "publish";
    const STATES: &'static [RoundState] = &[RoundState::Unmasking];

    type Done = ResultRow;

    async fn work(&self, app: &App, round: &RoundRow) -> Result<ResultRow> {
        sign_result(app, round.round_id.0, set_root(round)?, stored_round::verified(round)?).await
    }

    async fn record(&self, _: &App, round: &mut LockedRound<'_>, result: &ResultRow) -> Result<Next> {
        let (round_id, now) = (round.id(), round.now);
        let included = contributions::include(round.tx, &round_id, now).await?;
        if included != u64::from(result.count.cast_unsigned()) {
            return Err(Error::fault("the stored members are not those of the result"));
        }
        published::enter(round, result).await?;
        Ok(Next::Finish)
    }

    fn announce(&self, round_id: RoundId, result: &ResultRow) {
        metrics::round_ended("published");
        tracing::info!(%round_id, members = result.count, "round published");
    }
}

async fn sign_result(app: &App, round_id: RoundId, root: SetRoot, round: VerifiedRound) -> Result<ResultRow> {
    let headers = members::stream(app, round_id).map(|row| members::header(&row?));
    let headers: Vec<ContributionHeader> = headers.try_collect().await?;
    let chunks = closing::unmasked_chunks(&app.db, &round_id).await?;
    let mut digester = SumDigester::default();
    chunks.iter().for_each(|chunk| digester.push(&chunk.digest));
    let residual_max = chunks.iter().map(|chunk| chunk.residual_max).max().unwrap_or(0);
    let sum_digest = digester.finish();
    let residual = residual_max.cast_unsigned();
    let result = publish(&round, &root, &headers, sum_digest, residual, &app.identity);
    let names = SumNames::new(round.hash(), &root);
    let mean = describe(app, &names, &chunks, &round, result.total_weight).await?;
    Ok(ResultRow {
        count: result.count.cast_signed(),
        total_weight: result.total_weight.cast_signed(),
        sum_digest: Column(sum_digest),
        residual_max,
        mean_norm: mean.norm(),
        tensors: Json(mean.into_summaries()),
        result: result.to_bytes(),
        published_at: app.now(),
    })
}

/// Reads the whole sum once, piece by piece, and compares it with the digests of the written
/// chunks.
async fn describe(
    app: &App,
    names: &SumNames,
    chunks: &[UnmaskedRow],
    round: &VerifiedRound,
    weight: u64,
) -> Result<MeanFigures> {
    let constants = *round.constants();
    let mut figures = MeanFigures::new(&round.document().tensors, constants);
    for (index, chunk) in (0..).zip(chunks) {
        let mut pieces = names.chunk(&app.blobs, &constants, index);
        let mut hasher = blake3::Hasher::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            let described = app.compute.run(move || {
                hasher.update(&piece);
                figures.take(&decode(&piece, &constants, weight));
                (figures, hasher)
            });
            (figures, hasher) = described.await?;
        }
        if ChunkDigest::from_bytes(hasher.finalize().into()) != *chunk.digest {
            return Err(Error::fault("a stored chunk is not the one that was written"));
        }
    }
    Ok(figures)
}
