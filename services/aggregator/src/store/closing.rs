//! The fixed set, the holders' answers, the chunks of the sum, and the result.

use kit::{column::Column, time::Timestamp};
use names::{ChunkDigest, ContributionId, HeaderHash, RoundId, SumDigest};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool, types::Json};

/// Records the verified contributions as the round's set and returns their header hashes, in order.
pub(crate) async fn fix_members(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<Vec<HeaderHash>> {
    sqlx::query(
        "INSERT INTO round_members (round_id, index, contribution_id, header_hash)
         SELECT round_id, ROW_NUMBER() OVER (ORDER BY header_hash) - 1, contribution_id, header_hash
         FROM contributions WHERE round_id = $1 AND state = 'verified'",
    )
    .bind(Column(*round_id))
    .execute(&mut *tx)
    .await?;
    member_hashes(tx, round_id).await
}

/// Counts the verified contributions of a round.
pub(crate) async fn verified_weights(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar("SELECT weight FROM contributions WHERE round_id = $1 AND state = 'verified'")
        .bind(Column(*round_id))
        .fetch_all(tx)
        .await
}

/// Lists the header hashes of a round's set, in order.
pub(crate) async fn member_hashes(
    db: impl PgExecutor<'_>,
    round_id: &RoundId,
) -> sqlx::Result<Vec<HeaderHash>> {
    let hashes =
        sqlx::query_scalar("SELECT header_hash FROM round_members WHERE round_id = $1 ORDER BY index");
    Column::values(hashes.bind(Column(*round_id)).fetch_all(db).await)
}

/// Returns a contribution's index in its round's set.
pub(crate) async fn member_index(
    db: &PgPool,
    round_id: &RoundId,
    contribution_id: &ContributionId,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar("SELECT index FROM round_members WHERE round_id = $1 AND contribution_id = $2")
        .bind(Column(*round_id))
        .bind(Column(*contribution_id))
        .fetch_optional(db)
        .await
}

/// A member of a fixed set, with the data that folding and checking need.
#[derive(FromRow)]
pub(crate) struct MemberRow {
    pub(crate) index: i32,
    pub(crate) contribution_id: Column<ContributionId>,
    pub(crate) header: Vec<u8>,
    pub(crate) sealed_seeds: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) body_object_name: String,
    /// Absent if the contribution was received before these digests were stored.
    pub(crate) chunk_digests: Option<Vec<u8>>,
}

/// Lists at most `limit` members in order, starting at index `from`.
pub(crate) async fn members(
    db: &PgPool,
    round_id: &RoundId,
    from: i32,
    limit: i32,
) -> sqlx::Result<Vec<MemberRow>> {
    sqlx::query_as(
        "SELECT m.index, c.contribution_id, c.header, c.sealed_seeds, c.proof, c.body_object_name,
             c.chunk_digests
         FROM round_members AS m JOIN contributions AS c USING (round_id, contribution_id)
         WHERE m.round_id = $1 AND m.index >= $2 AND m.index < $2 + $3
         ORDER BY m.index",
    )
    .bind(Column(*round_id))
    .bind(from)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Lists the attestations of the members at indexes `from` to `from + limit`, by index and holder.
pub(crate) async fn member_attestations(
    db: &PgPool,
    round_id: &RoundId,
    from: i32,
    limit: i32,
) -> sqlx::Result<Vec<(i32, Vec<u8>)>> {
    sqlx::query_as(
        "SELECT m.index, a.attestation
         FROM round_members AS m JOIN attestations AS a USING (round_id, contribution_id)
         WHERE m.round_id = $1 AND m.index >= $2 AND m.index < $2 + $3
         ORDER BY m.index, a.holder",
    )
    .bind(Column(*round_id))
    .bind(from)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Records a folded chunk and returns how many chunks are folded.
pub(crate) async fn record_folded(
    tx: &mut PgConnection,
    round_id: &RoundId,
    chunk: i32,
    digest: ChunkDigest,
    now: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query(
        "INSERT INTO sum_chunks (round_id, chunk, folded_digest, folded_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (round_id, chunk) DO NOTHING",
    )
    .bind(Column(*round_id))
    .bind(chunk)
    .bind(Column(digest))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query_scalar("SELECT COUNT(*) FROM sum_chunks WHERE round_id = $1")
        .bind(Column(*round_id))
        .fetch_one(tx)
        .await
}

/// Returns the digest of a folded chunk. Absent if the chunk was folded before digests were stored.
pub(crate) async fn folded_digest(
    db: &PgPool,
    round_id: &RoundId,
    chunk: i32,
) -> sqlx::Result<Option<ChunkDigest>> {
    let digest =
        sqlx::query_scalar("SELECT folded_digest FROM sum_chunks WHERE round_id = $1 AND chunk = $2");
    let digest: Option<Column<ChunkDigest>> =
        digest.bind(Column(*round_id)).bind(chunk).fetch_one(db).await?;
    Ok(digest.map(|digest| digest.0))
}

/// Records the holders' answers. The aggregator's answer comes first.
pub(crate) async fn insert_answers(
    tx: &mut PgConnection,
    round_id: &RoundId,
    answers: &[Vec<u8>],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO release_answers (round_id, holder, answer, stored_at)
         SELECT $1, holder - 1, answer, $3 FROM UNNEST($2::BYTEA []) WITH ORDINALITY AS given (answer, holder)",
    )
    .bind(Column(*round_id))
    .bind(answers)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Lists the holders' answers. The aggregator's answer comes first.
pub(crate) async fn answers(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar("SELECT answer FROM release_answers WHERE round_id = $1 ORDER BY holder")
        .bind(Column(*round_id))
        .fetch_all(db)
        .await
}

/// The figures of an unmasked chunk.
#[derive(Clone, Copy, Debug, FromRow)]
pub(crate) struct UnmaskedRow {
    pub(crate) digest: Column<ChunkDigest>,
    pub(crate) residual_max: i64,
}

/// Records an unmasked chunk and returns how many chunks are unmasked.
pub(crate) async fn record_unmasked(
    tx: &mut PgConnection,
    round_id: &RoundId,
    chunk: i32,
    unmasked: UnmaskedRow,
    now: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query(
        "UPDATE sum_chunks SET digest = $3, residual_max = $4, unmasked_at = $5
         WHERE round_id = $1 AND chunk = $2 AND unmasked_at IS NULL",
    )
    .bind(Column(*round_id))
    .bind(chunk)
    .bind(unmasked.digest)
    .bind(unmasked.residual_max)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query_scalar("SELECT COUNT(unmasked_at) FROM sum_chunks WHERE round_id = $1")
        .bind(Column(*round_id))
        .fetch_one(tx)
        .await
}

/// Lists the unmasked chunks, in order.
pub(crate) async fn unmasked_chunks(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Vec<UnmaskedRow>> {
    sqlx::query_as(
        "SELECT digest, residual_max FROM sum_chunks
         WHERE round_id = $1 AND unmasked_at IS NOT NULL ORDER BY chunk",
    )
    .bind(Column(*round_id))
    .fetch_all(db)
    .await
}

/// A published result as it is stored.
#[derive(FromRow)]
pub(crate) struct ResultRow {
    pub(crate) count: i32,
    pub(crate) total_weight: i64,
    pub(crate) sum_digest: Column<SumDigest>,
    pub(crate) residual_max: i64,
    pub(crate) mean_norm: f64,
    pub(crate) tensors: Json<Vec<api::rounds::TensorSummary>>,
    pub(crate) result: Vec<u8>,
    pub(crate) published_at: Timestamp,
}

/// Stores the result of a round.
pub(crate) async fn insert_result(
    tx: &mut PgConnection,
    round_id: &RoundId,
    row: &ResultRow,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO results (
             round_id, count, total_weight, sum_digest, residual_max, mean_norm, tensors, result, published_at
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(Column(*round_id))
    .bind(row.count)
    .bind(row.total_weight)
    .bind(row.sum_digest)
    .bind(row.residual_max)
    .bind(row.mean_norm)
    .bind(&row.tensors)
    .bind(&row.result)
    .bind(row.published_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Finds the result of a published round.
pub(crate) async fn find_result(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Option<ResultRow>> {
    sqlx::query_as("SELECT * FROM results WHERE round_id = $1")
        .bind(Column(*round_id))
        .fetch_optional(db)
        .await
}
