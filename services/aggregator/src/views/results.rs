//! The result of a published round.

use api::{HexBytes, ProblemKind, rounds::ResultView};
use bytes::Bytes;
use futures::StreamExt;
use kit::{Error, Result};
use masking::RoundConstants;
use names::{RoundId, SetRoot};

use crate::{
    blobs::{ByteStream, object_names::SumNames},
    state::App,
    store::{
        closing::{self, ResultRow},
        rounds::RoundRow,
    },
    stored_round,
    sum::{WORD_BYTES, decode},
};

/// The result in figures.
pub(crate) async fn show(app: &App, round_id: RoundId) -> Result<ResultView> {
    let Published { round, root, row, .. } = published(app, round_id).await?;
    Ok(ResultView {
        round_id,
        round_hash: round.round_hash.0,
        root,
        count: row.count.cast_unsigned(),
        total_weight: row.total_weight.cast_unsigned(),
        sum_digest: row.sum_digest.0,
        residual_max: row.residual_max.cast_unsigned(),
        mean_norm: row.mean_norm,
        tensors: row.tensors.0,
        result: HexBytes(row.result),
        published_at_ms: row.published_at.ms(),
    })
}

/// The exact sum, d' values of `i64`, and its length in bytes.
pub(crate) async fn sum(app: &App, round_id: RoundId) -> Result<(u64, ByteStream)> {
    let published = published(app, round_id).await?;
    let length = WORD_BYTES as u64 * published.constants.padded_dimension;
    Ok((length, published.sum().stream(&app.blobs, &published.constants)))
}

/// The mean, d values of `f32`, and its length in bytes.
pub(crate) async fn mean(app: &App, round_id: RoundId) -> Result<(u64, ByteStream)> {
    let published = published(app, round_id).await?;
    let weight = published.row.total_weight.cast_unsigned();
    let constants = published.constants;
    let length = size_of::<f32>() as u64 * constants.dimension;
    let app = app.clone();
    let mut left = length;
    let pieces = published.sum().stream(&app.blobs, &constants);
    let decoded = pieces.then(move |piece| {
        let app = app.clone();
        async move { app.compute.run(move || Ok(encode(&decode(&piece?, &constants, weight)))).await? }
    });
    let unpadded = decoded.map(move |piece: Result<Bytes>| {
        let mut piece = piece?;
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= piece.len() as u64;
        Ok(piece)
    });
    Ok((length, unpadded.boxed()))
}

fn encode(mean: &[f32]) -> Bytes {
    mean.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into()
}

/// A published round, with its row and its stored result.
pub(crate) struct Published {
    pub(crate) round: RoundRow,
    pub(crate) root: SetRoot,
    pub(crate) row: ResultRow,
    constants: RoundConstants,
}

impl Published {
    fn sum(&self) -> SumNames {
        SumNames::new(&self.round.round_hash.0, &self.root)
    }
}

/// The round, if it is published.
pub(crate) async fn published(app: &App, round_id: RoundId) -> Result<Published> {
    let round = stored_round::find(app, round_id).await?;
    let row = closing::find_result(&app.db, &round_id).await?;
    let (Some(root), Some(row)) = (round.root, row) else { return Err(Error::abort(ProblemKind::NotReady)) };
    let constants = *stored_round::verified(&round)?.constants();
    Ok(Published { round, root: root.0, row, constants })
}
