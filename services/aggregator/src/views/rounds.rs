//! Rounds as they are shown.

use api::{
    Hex, HexBytes, ProblemKind,
    participants::Page,
    rounds::{ChunkProgress, FailureCode, RoundState, RoundView, SignedRound, Waiting},
};
use kit::{Error, Result};
use names::RoundId;

use crate::{
    state::App,
    store::{
        rounds::{self, RoundRow, RoundSummary},
        unreleased,
    },
    stored_round::find,
};

/// One round with its progress.
pub(crate) async fn show(app: &App, round_id: RoundId) -> Result<RoundView> {
    let summary = rounds::summary(&app.db, &round_id).await?;
    let summary = summary.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
    let unreleased = unreleased::of_round(&app.db, &round_id).await?;
    Ok(RoundView { unreleased: unreleased.into_iter().map(HexBytes).collect(), ..view(summary) })
}

/// At most `limit` rounds that follow `after`, oldest first, without the combiners' statements.
pub(crate) async fn list(
    app: &App,
    after: Option<RoundId>,
    state: Option<RoundState>,
    limit: u16,
) -> Result<Page<RoundView>> {
    let after = after.map_or(Vec::new(), |id| id.to_bytes().to_vec());
    let rows = rounds::list(&app.db, &after, state, i64::from(limit)).await?;
    let next = rows.last().filter(|_| rows.len() == usize::from(limit)).map(|row| row.round_id.to_string());
    Ok(Page { items: rows.into_iter().map(view).collect(), next })
}

/// The document of an opened round, with all signatures.
pub(crate) async fn document(app: &App, round_id: RoundId) -> Result<SignedRound> {
    let round = find(app, round_id).await?;
    if round.countersignatures.is_empty() {
        return Err(Error::abort(ProblemKind::RoundState).detail("the document is not countersigned"));
    }
    Ok(SignedRound {
        countersignatures: countersignatures(&round)?,
        aggregator_signature: Hex(round.aggregator_signature),
        document: HexBytes(round.document),
    })
}

/// The combiners' signatures, in order.
pub(crate) fn countersignatures(round: &RoundRow) -> Result<Vec<Hex<64>>> {
    let hex = |bytes: &Vec<u8>| bytes.as_slice().try_into().map(Hex).map_err(Error::fault);
    round.countersignatures.iter().map(hex).collect()
}

fn view(row: RoundSummary) -> RoundView {
    let count = |value: i64| u32::try_from(value).expect("a round has at most 4096 chunks");
    RoundView {
        round_id: row.round_id.0,
        round_hash: row.round_hash.0,
        state: row.state.0,
        dimension: row.dimension.cast_unsigned(),
        min_cohort: row.min_cohort.cast_unsigned(),
        max_contributions: row.max_contributions.cast_unsigned(),
        opens_at_ms: row.opens_at.ms(),
        closes_at_ms: row.closes_at.ms(),
        proof: row.proof.0,
        progress: row.counts.into(),
        chunks: ChunkProgress {
            total: row.chunks.cast_unsigned(),
            folded: count(row.folded),
            unmasked: count(row.unmasked),
        },
        root: row.root.map(|root| root.0),
        waiting: row.waits_for.zip(row.waits_because).map(|(holder, reason)| Waiting {
            holder: u8::try_from(holder).expect("a round has at most 8 holders"),
            reason,
        }),
        failure: (row.state.0 == RoundState::Failed)
            .then(|| row.failure_code.map_or(FailureCode::Internal, |code| code.0).into()),
        unreleased: Vec::new(),
    }
}
