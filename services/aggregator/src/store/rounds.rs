//! Rounds, their progress, and the counts of refused uploads.

use std::collections::HashMap;

use api::rounds::{FailureCode, ProofDemand, RoundState};
use kit::{column::Column, time::Timestamp};
use names::{ContributionId, RoundHash, RoundId, SetRoot};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};

use super::participants::Counts;

names::name! {
    /// The SHA-256 digest of the request that created a round.
    pub(crate) RequestDigest: 32;
}

kit::bytes_column!(RequestDigest);

/// A round as it is stored.
#[derive(FromRow)]
pub(crate) struct RoundRow {
    pub(crate) round_id: Column<RoundId>,
    pub(crate) round_hash: Column<RoundHash>,
    pub(crate) request_digest: Column<RequestDigest>,
    pub(crate) document: Vec<u8>,
    pub(crate) aggregator_signature: [u8; 64],
    pub(crate) countersignatures: Vec<Vec<u8>>,
    pub(crate) state: Column<RoundState>,
    pub(crate) root: Option<Column<SetRoot>>,
    pub(crate) chunks: i32,
    pub(crate) closed_at: Option<Timestamp>,
}

/// A round with its progress, as callers see it.
#[derive(FromRow)]
pub(crate) struct RoundSummary {
    pub(crate) round_id: Column<RoundId>,
    pub(crate) round_hash: Column<RoundHash>,
    pub(crate) state: Column<RoundState>,
    pub(crate) dimension: i64,
    pub(crate) min_cohort: i32,
    pub(crate) max_contributions: i32,
    pub(crate) opens_at: Timestamp,
    pub(crate) closes_at: Timestamp,
    pub(crate) proof: Column<ProofDemand>,
    pub(crate) root: Option<Column<SetRoot>>,
    pub(crate) failure_code: Option<Column<FailureCode>>,
    pub(crate) chunks: i32,
    pub(crate) folded: i64,
    pub(crate) unmasked: i64,
    pub(crate) waits_for: Option<i16>,
    pub(crate) waits_because: Option<String>,
    #[sqlx(flatten)]
    pub(crate) counts: Counts,
}

/// A round to be stored.
pub(crate) struct NewRound<'a> {
    pub(crate) document: &'a protocol::RoundDocument,
    pub(crate) bytes: &'a [u8],
    pub(crate) round_hash: &'a RoundHash,
    pub(crate) signature: &'a protocol::Signature,
    pub(crate) chunks: i32,
    pub(crate) proof: ProofDemand,
    pub(crate) request_key: Option<&'a str>,
    pub(crate) request_digest: &'a RequestDigest,
    /// The asset that the round pays in. `None` if it does not pay.
    pub(crate) payout_asset: Option<&'a str>,
}

/// Stores a round in state `preparing`.
pub(crate) async fn insert(tx: &mut PgConnection, round: &NewRound<'_>, now: Timestamp) -> sqlx::Result<()> {
    let document = round.document;
    sqlx::query(
        "INSERT INTO rounds (
             round_id, round_hash, request_key, request_digest, model_digest, document, aggregator_signature, state,
             dimension, chunks, min_cohort, max_contributions, max_attempts, proof, opens_at, earliest_close_at,
             closes_at, created_at, payout_pool, payout_policy, payout_asset, min_reputation_ppm,
             release_by, observed_ms
         ) VALUES (
             $1, $2, $3, $4, $5, $6, $7, 'preparing', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18::TEXT::NUMERIC, $19,
             $20, $21, $22, (SELECT observed_ms FROM observed_time)
         )",
    )
    .bind(Column(document.round_id))
    .bind(Column(*round.round_hash))
    .bind(round.request_key)
    .bind(Column(*round.request_digest))
    .bind(Column(document.model_digest))
    .bind(round.bytes)
    .bind(round.signature.0)
    .bind(document.dimension.cast_signed())
    .bind(round.chunks)
    .bind(document.min_cohort.cast_signed())
    .bind(document.max_contributions.cast_signed())
    .bind(i16::from(document.max_attempts))
    .bind(Column(round.proof))
    .bind(Timestamp::from_ms(document.opens_at_ms))
    .bind(Timestamp::from_ms(document.earliest_close_ms))
    .bind(Timestamp::from_ms(document.closes_at_ms))
    .bind(now)
    .bind(document.payout.as_ref().map(|terms| terms.pool.to_string()))
    .bind(document.payout.as_ref().map(|terms| terms.policy.as_str()))
    .bind(round.payout_asset)
    .bind(document.min_reputation_ppm.cast_signed())
    .bind(Timestamp::from_ms(document.release_by_ms))
    .execute(tx)
    .await?;
    Ok(())
}

/// Lists the rounds in these states whose time is over by both clocks, the wall clock and the
/// observed time.
pub(crate) async fn overdue(
    db: &PgPool,
    states: &[RoundState],
    now: Timestamp,
) -> sqlx::Result<Vec<Column<RoundId>>> {
    sqlx::query_scalar(
        "SELECT r.round_id FROM rounds AS r CROSS JOIN observed_time AS t
         WHERE r.state = ANY($2) AND r.release_by < $1
             AND t.observed_ms - r.observed_ms > EXTRACT(EPOCH FROM r.release_by - r.created_at) * 1000
         ORDER BY r.release_by",
    )
    .bind(now)
    .bind(Column::array(states))
    .fetch_all(db)
    .await
}

/// Finds one round.
pub(crate) async fn find(db: impl PgExecutor<'_>, round_id: &RoundId) -> sqlx::Result<Option<RoundRow>> {
    sqlx::query_as("SELECT * FROM rounds WHERE round_id = $1")
        .bind(Column(*round_id))
        .fetch_optional(db)
        .await
}

/// Finds the round that an operator created under this key.
pub(crate) async fn find_by_request(db: &PgPool, request_key: &str) -> sqlx::Result<Option<RoundRow>> {
    sqlx::query_as("SELECT * FROM rounds WHERE request_key = $1").bind(request_key).fetch_optional(db).await
}

/// Locks one round. No other transaction decides about it until this one ends.
pub(crate) async fn lock(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<Option<RoundRow>> {
    sqlx::query_as("SELECT * FROM rounds WHERE round_id = $1 FOR NO KEY UPDATE")
        .bind(Column(*round_id))
        .fetch_optional(tx)
        .await
}

/// Finds one round with its progress.
pub(crate) async fn summary(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Option<RoundSummary>> {
    sqlx::query_as(
        "SELECT r.round_hash, r.proof, r.root, w.holder AS waits_for, w.reason AS waits_because, o.*
         FROM rounds AS r JOIN round_overview AS o USING (round_id)
         LEFT JOIN release_waits AS w ON w.round_id = r.round_id AND r.state = 'releasing'
         WHERE r.round_id = $1",
    )
    .bind(Column(*round_id))
    .fetch_optional(db)
    .await
}

/// Lists at most `limit` rounds that follow `after`. With `state`, lists only rounds in this state.
pub(crate) async fn list(
    db: &PgPool,
    after: &[u8],
    state: Option<RoundState>,
    limit: i64,
) -> sqlx::Result<Vec<RoundSummary>> {
    sqlx::query_as(
        "SELECT r.round_hash, r.proof, r.root, w.holder AS waits_for, w.reason AS waits_because, o.*
         FROM rounds AS r JOIN round_overview AS o USING (round_id)
         LEFT JOIN release_waits AS w ON w.round_id = r.round_id AND r.state = 'releasing'
         WHERE r.round_id > $1 AND ($2::TEXT IS NULL OR r.state = $2)
         ORDER BY r.round_id LIMIT $3",
    )
    .bind(after)
    .bind(state.map(Column))
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Returns the number of the newest round. 0 if there is none.
pub(crate) async fn count(db: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COALESCE(MAX(sequence), 0) FROM rounds").fetch_one(db).await
}

/// Returns whether any round exists.
pub(crate) async fn any(db: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM rounds)").fetch_one(db).await
}

/// Returns the states of those of these rounds that exist.
pub(crate) async fn states(db: &PgPool, round_ids: &[RoundId]) -> sqlx::Result<HashMap<RoundId, RoundState>> {
    let states = sqlx::query_as("SELECT round_id, state FROM rounds WHERE round_id = ANY($1)");
    let states: Vec<(Column<RoundId>, Column<RoundState>)> =
        states.bind(Column::array(round_ids)).fetch_all(db).await?;
    Ok(states.into_iter().map(|(round_id, state)| (round_id.0, state.0)).collect())
}

/// What a round takes of contributions that are not rejected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// The weight of the contribution that asks for capacity.
    pub(crate) weight: u32,
    /// The largest sum of weights that the round takes.
    pub(crate) max_total_weight: u64,
}

/// Counts one more active contribution, of this weight. Returns `false` if the round takes none of
/// this weight now. Locks the round.
pub(crate) async fn take_capacity(
    tx: &mut PgConnection,
    round_id: &RoundId,
    demand: Demand,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let taken = sqlx::query(
        "UPDATE rounds SET active = active + 1, active_weight = active_weight + $3
         WHERE round_id = $1 AND state = 'open' AND active < max_contributions
             AND active_weight + $3 <= $4 AND $2 BETWEEN opens_at AND closes_at",
    )
    .bind(Column(*round_id))
    .bind(now)
    .bind(i64::from(demand.weight))
    .bind(demand.max_total_weight.cast_signed())
    .execute(tx)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Gives the round back the capacity that these rejected contributions used.
pub(crate) async fn return_capacity(
    tx: &mut PgConnection,
    round_id: &RoundId,
    rejected: &[ContributionId],
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE rounds SET active = active - c.count, active_weight = active_weight - c.weight
         FROM (
             SELECT COUNT(*)::INTEGER AS count, COALESCE(SUM(weight), 0) AS weight
             FROM contributions WHERE round_id = $1 AND contribution_id = ANY($2)
         ) AS c
         WHERE round_id = $1",
    )
    .bind(Column(*round_id))
    .bind(Column::array(rejected))
    .execute(tx)
    .await?;
    Ok(())
}

/// Returns from when a full round may close, if all its contributions are verified. Returns `None`
/// for any other round.
pub(crate) async fn full_from(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<Option<Timestamp>> {
    sqlx::query_scalar(
        "SELECT earliest_close_at FROM rounds
         WHERE round_id = $1 AND state = 'open' AND active = max_contributions
             AND NOT EXISTS (SELECT FROM contributions AS c WHERE c.round_id = $1 AND c.state = 'received')",
    )
    .bind(Column(*round_id))
    .fetch_optional(tx)
    .await
}

/// Returns whether one more contribution of this weight would be more than the round takes.
pub(crate) async fn is_full(
    db: impl PgExecutor<'_>,
    round_id: &RoundId,
    demand: Demand,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT active >= max_contributions OR active_weight + $2 > $3 FROM rounds WHERE round_id = $1",
    )
    .bind(Column(*round_id))
    .bind(i64::from(demand.weight))
    .bind(demand.max_total_weight.cast_signed())
    .fetch_one(db)
    .await
}

/// The reason why a round fails: a public code, and particulars for the operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) code: FailureCode,
    pub(crate) words: &'a str,
}

/// Facts to be recorded together with a round's new state. An absent fact stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) countersignatures: Option<&'a [Vec<u8>]>,
    pub(crate) root: Option<&'a SetRoot>,
    pub(crate) failure: Option<Failure<'a>>,
}

/// Moves a round from state `before` to state `after`, records when, and returns the round. Returns
/// `None` if the round is in another state. Only `LockedRound::advance` calls this.
pub(crate) async fn change_state(
    tx: &mut PgConnection,
    round_id: &RoundId,
    before: RoundState,
    after: RoundState,
    facts: Facts<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<RoundRow>> {
    sqlx::query_as(
        "UPDATE rounds SET
             state = $3,
             countersignatures = COALESCE($5, countersignatures),
             root = COALESCE($6, root),
             failure_code = COALESCE($7, failure_code),
             failure = COALESCE($8, failure),
             opened_at = CASE $3 WHEN 'open' THEN $4 ELSE opened_at END,
             closed_at = CASE $3 WHEN 'settling' THEN $4 ELSE closed_at END,
             fixed_at = CASE $3 WHEN 'folding' THEN $4 ELSE fixed_at END,
             folded_at = CASE $3 WHEN 'releasing' THEN $4 ELSE folded_at END,
             released_at = CASE $3 WHEN 'unmasking' THEN $4 ELSE released_at END,
             ended_at = CASE WHEN $3 IN ('published', 'failed', 'cancelled') THEN $4 ELSE ended_at END
         WHERE round_id = $1 AND state = $2
         RETURNING *",
    )
    .bind(Column(*round_id))
    .bind(Column(before))
    .bind(Column(after))
    .bind(now)
    .bind(facts.countersignatures)
    .bind(facts.root.copied().map(Column))
    .bind(facts.failure.map(|failure| Column(failure.code)))
    .bind(facts.failure.map(|failure| failure.words))
    .fetch_optional(tx)
    .await
}

/// Counts a refused upload.
pub(crate) async fn count_refusal(
    db: &PgPool,
    round_id: &RoundId,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO refusals AS r (round_id, reason, count, first_at, last_at) VALUES ($1, $2, 1, $3, $3)
         ON CONFLICT (round_id, reason) DO UPDATE
         SET count = r.count + 1, last_at = GREATEST(r.last_at, EXCLUDED.last_at)",
    )
    .bind(Column(*round_id))
    .bind(reason)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
