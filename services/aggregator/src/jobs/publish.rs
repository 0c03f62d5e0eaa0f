//! Publication: the signed result and what the mean looks like.

use api::rounds::{RoundState, TensorSummary};
use futures::{StreamExt, TryStreamExt};
use kit::{Error, Result, column::Column, tx::run_tx};
use masking::RoundConstants;
use names::{ChunkDigest, RoundId, SetRoot};
use protocol::{
    Canonical, ContributionHeader, Tensor, VerifiedRound, body::SumDigester, roles::aggregator::publish,
};
use sqlx::types::Json;

use super::Held;
use crate::{
    flow::{members, results::decode, rounds, sum::SumLocation},
    metrics,
    state::App,
    store::{
        closing::{self, ResultRow, UnmaskedRow},
        contributions,
        jobs::{self, Kind},
        rounds as stored,
    },
};

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let round_id = held.round_id();
    let row = rounds::find(app, round_id).await?;
    let verified = rounds::verified(&row)?;
    let pays = verified.document().payout.is_some();
    let result = match (row.state.0, row.root) {
        (RoundState::Unmasking, Some(root)) => Some(result(app, round_id, root.0, verified).await?),
        _ => None,
    };
    let now = app.now();
    let publishing = run_tx(&app.db, "publish", async |mut tx| {
        let round = stored::lock(&mut tx, &round_id).await?;
        let unmasking = round.is_some_and(|round| round.state.0 == RoundState::Unmasking);
        if let (true, Some(result)) = (unmasking, &result) {
            let included = contributions::include(&mut tx, &round_id, now).await?;
            if included != u64::from(result.count.cast_unsigned()) {
                return Err(Error::fault("the stored members are not those of the result"));
            }
            closing::insert_result(&mut tx, &round_id, result).await?;
            stored::end(&mut tx, &round_id, RoundState::Published, None, now).await?;
            jobs::enqueue(&mut tx, Kind::Retire, &round_id, &[String::new()], now, now).await?;
            // A round that pays is sealed when it is paid.
            let (next, key) = if pays { (Kind::Payout, "") } else { (Kind::Checkpoint, "ended") };
            jobs::enqueue(&mut tx, next, &round_id, &[key.to_owned()], now, now).await?;
        }
        held.finish(&mut tx, now).await?;
        Ok((tx, ()))
    });
    publishing.await?;
    if let Some(result) = result {
        metrics::round_ended("published");
        tracing::info!(%round_id, count = result.count, "round published");
    }
    Ok(())
}

async fn result(app: &App, round_id: RoundId, root: SetRoot, round: VerifiedRound) -> Result<ResultRow> {
    let headers = members::stream(app, round_id).map(|row| members::header(&row?));
    let headers: Vec<ContributionHeader> = headers.try_collect().await?;
    let chunks = closing::unmasked_chunks(&app.db, &round_id).await?;
    let mut digester = SumDigester::default();
    chunks.iter().for_each(|chunk| digester.push(&chunk.digest));
    let residual_max = chunks.iter().map(|chunk| chunk.residual_max).max().unwrap_or(0);
    let sum_digest = digester.finish();
    let residual = residual_max.cast_unsigned();
    let result = publish(&round, &root, &headers, sum_digest, residual, &app.identity);
    let location = SumLocation::new(round.hash(), &root);
    let mean = describe(app, &location, &chunks, &round, result.total_weight).await?;
    Ok(ResultRow {
        count: result.count.cast_signed(),
        total_weight: result.total_weight.cast_signed(),
        sum_digest: Column(sum_digest),
        residual_max,
        mean_norm: mean.square.sqrt(),
        tensors: Json(mean.tensors.into_iter().map(TensorFigures::summary).collect()),
        result: result.to_bytes(),
        published_at: app.now(),
    })
}

/// Reads the whole sum once, piece by piece, and compares it with the digests of what was written.
async fn describe(
    app: &App,
    location: &SumLocation,
    chunks: &[UnmaskedRow],
    round: &VerifiedRound,
    weight: u64,
) -> Result<MeanFigures> {
    let constants = *round.constants();
    let mut figures = MeanFigures::new(&round.document().tensors, constants);
    for (index, chunk) in (0..).zip(chunks) {
        let mut pieces = location.chunk(&app.blobs, &constants, index);
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

/// Figures of a mean whose coordinates come in order.
struct MeanFigures {
    square: f64,
    tensors: Vec<TensorFigures>,
    /// The tensor that the next coordinate belongs to.
    tensor: usize,
    coordinate: u64,
    dimension: u64,
}

struct TensorFigures {
    tensor: Tensor,
    end: u64,
    sum: f64,
    min: f32,
    max: f32,
}

impl MeanFigures {
    fn new(tensors: &[Tensor], constants: RoundConstants) -> Self {
        let figures = |tensor: &Tensor| TensorFigures {
            end: tensor.offset + tensor.size().unwrap_or(0),
            tensor: tensor.clone(),
            sum: 0.0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
        };
        let tensors = tensors.iter().map(figures).collect();
        Self { square: 0.0, tensors, tensor: 0, coordinate: 0, dimension: constants.dimension }
    }

    fn take(&mut self, mean: &[f32]) {
        let left = usize::try_from(self.dimension - self.coordinate).unwrap_or(usize::MAX);
        for &value in &mean[..mean.len().min(left)] {
            while self.tensors.get(self.tensor).is_some_and(|figures| figures.end <= self.coordinate) {
                self.tensor += 1;
            }
            if let Some(figures) = self.tensors.get_mut(self.tensor) {
                figures.sum += f64::from(value);
                figures.min = figures.min.min(value);
                figures.max = figures.max.max(value);
            }
            self.square += f64::from(value) * f64::from(value);
            self.coordinate += 1;
        }
    }
}

impl TensorFigures {
    fn summary(self) -> TensorSummary {
        let size = self.end - self.tensor.offset;
        let some = size > 0;
        TensorSummary {
            mean: if some { self.sum / size as f64 } else { 0.0 },
            min: if some { self.min } else { 0.0 },
            max: if some { self.max } else { 0.0 },
            name: self.tensor.name,
            shape: self.tensor.shape,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_the_tensors_across_pieces_and_leave_out_the_padding() {
        let request =
            masking::RoundRequest { dimension: 5, max_contributions: 4, norm_bound: 1 << 18, clip: 1.0 };
        let constants = RoundConstants::derive(&request).unwrap();
        let tensor =
            |name: &str, shape: &[u32], offset| Tensor { name: name.into(), shape: shape.into(), offset };
        let layout = [tensor("a", &[2], 0), tensor("empty", &[0], 2), tensor("b", &[3], 2)];
        let mut figures = MeanFigures::new(&layout, constants);
        figures.take(&[1.0, 3.0, -1.0]);
        figures.take(&[2.0, 2.0, 100.0, 100.0]);
        assert_eq!(figures.square, 1.0 + 9.0 + 1.0 + 4.0 + 4.0);
        let summaries: Vec<_> = figures.tensors.into_iter().map(TensorFigures::summary).collect();
        let values: Vec<_> = summaries.iter().map(|s| (s.mean, s.min, s.max)).collect();
        assert_eq!(values, [(2.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, -1.0, 2.0)]);
    }
}
