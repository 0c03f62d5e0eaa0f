//! The log: its entries, the nodes above them, and its checkpoints. Triggers write the entries. The
//! functions here give the entries their indexes.

use kit::column::Column;
use kit::time::Timestamp;
use ledger::{Hash, NodeId};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};

/// Gives up to `batch` waiting entries their indexes. Returns the indexes and the leaf hashes in
/// order. No other transaction can give indexes until this one ends.
pub(crate) async fn sequence(tx: &mut PgConnection, batch: i32) -> sqlx::Result<Vec<(i64, Hash)>> {
    let rows: Vec<(i64, Column<Hash>)> =
        sqlx::query_as("SELECT index, leaf_hash FROM sequence_log($1)").bind(batch).fetch_all(tx).await?;
    let mut sequenced: Vec<(i64, Hash)> = rows.into_iter().map(|(index, hash)| (index, hash.0)).collect();
    sequenced.sort_unstable_by_key(|(index, _)| *index);
    Ok(sequenced)
}

/// Stores the hashes of these nodes.
pub(crate) async fn insert_nodes(tx: &mut PgConnection, nodes: &[(NodeId, Hash)]) -> sqlx::Result<()> {
    let levels: Vec<i16> = nodes.iter().map(|(id, _)| level(*id)).collect();
    let indexes: Vec<i64> = nodes.iter().map(|(id, _)| id.index.cast_signed()).collect();
    let hashes = Column::array(nodes.iter().map(|(_, hash)| hash));
    sqlx::query(
        "INSERT INTO log_nodes (level, index, hash)
         SELECT * FROM UNNEST($1::SMALLINT [], $2::BIGINT [], $3::BYTEA [])",
    )
    .bind(levels)
    .bind(indexes)
    .bind(hashes)
    .execute(tx)
    .await?;
    Ok(())
}

fn level(id: NodeId) -> i16 {
    i16::try_from(id.level).expect("a log has fewer than 2^63 entries")
}

/// Loads the hashes of full subtrees in the order of `ids`. Skips nodes that are not stored.
pub(crate) async fn nodes(db: impl PgExecutor<'_>, ids: &[NodeId]) -> sqlx::Result<Vec<Hash>> {
    let levels: Vec<i16> = ids.iter().map(|id| level(*id)).collect();
    let indexes: Vec<i64> = ids.iter().map(|id| id.index.cast_signed()).collect();
    let hashes = sqlx::query_scalar(
        "SELECT COALESCE(n.hash, e.leaf_hash)
         FROM UNNEST($1::SMALLINT [], $2::BIGINT []) WITH ORDINALITY AS w (level, index, position)
         LEFT JOIN log_nodes AS n ON n.level = w.level AND n.index = w.index
         LEFT JOIN log_entries AS e ON w.level = 0 AND e.index = w.index
         WHERE n.hash IS NOT NULL OR e.leaf_hash IS NOT NULL
         ORDER BY w.position",
    );
    Column::values(hashes.bind(levels).bind(indexes).fetch_all(db).await)
}

/// Returns whether an entry waits for its index.
pub(crate) async fn is_waiting(db: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM log_outbox)").fetch_one(db).await
}

/// Counts the entries that wait for an index. Returns also the time since which the oldest one
/// waits.
pub(crate) async fn waiting(db: &PgPool) -> sqlx::Result<(i64, Option<Timestamp>)> {
    sqlx::query_as("SELECT COUNT(*), MIN(recorded_at) FROM log_outbox").fetch_one(db).await
}

/// Counts the receipts whose promised inclusion is overdue.
pub(crate) async fn overdue(db: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM audit.receipts_waiting WHERE overdue").fetch_one(db).await
}

/// A signed checkpoint as it is stored.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct CheckpointRow {
    pub(crate) size: i64,
    pub(crate) root: Column<Hash>,
    pub(crate) note: String,
    pub(crate) signed_at: Timestamp,
}

/// Returns the checkpoint that was signed last.
pub(crate) async fn latest(db: impl PgExecutor<'_>) -> sqlx::Result<Option<CheckpointRow>> {
    sqlx::query_as("SELECT * FROM log_checkpoints ORDER BY size DESC LIMIT 1").fetch_optional(db).await
}

/// Returns the size that a checkpoint would cover now. Returns `None` if the last checkpoint covers
/// everything except entries about checkpoints.
pub(crate) async fn unsigned(db: impl PgExecutor<'_>) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT MAX(index) + 1 FROM log_entries
         WHERE index >= (SELECT COALESCE(MAX(size), 0) FROM log_checkpoints)
         HAVING COUNT(*) FILTER (WHERE table_name <> 'log_checkpoints') > 0",
    )
    .fetch_optional(db)
    .await
}

/// Stores a checkpoint. If another process has stored one of the same size, that one stays.
pub(crate) async fn insert_checkpoint(db: &PgPool, checkpoint: &CheckpointRow) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO log_checkpoints (size, root, note, signed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (size) DO NOTHING",
    )
    .bind(checkpoint.size)
    .bind(checkpoint.root)
    .bind(&checkpoint.note)
    .bind(checkpoint.signed_at)
    .execute(db)
    .await?;
    Ok(())
}

/// One entry of the log.
#[derive(FromRow)]
pub(crate) struct EntryRow {
    pub(crate) index: i64,
    pub(crate) payload: String,
    pub(crate) leaf_hash: Column<Hash>,
}

/// Lists at most `limit` entries in order, starting at index `from`.
pub(crate) async fn entries(db: &PgPool, from: i64, limit: i64) -> sqlx::Result<Vec<EntryRow>> {
    sqlx::query_as(
        "SELECT index, payload, leaf_hash FROM log_entries WHERE index >= $1 ORDER BY index LIMIT $2",
    )
    .bind(from)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Returns the index of the first entry about a row.
pub(crate) async fn first_index(db: &PgPool, table: &str, key: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT index FROM log_entries WHERE table_name = $1 AND key = $2 ORDER BY index LIMIT 1",
    )
    .bind(table)
    .bind(key)
    .fetch_optional(db)
    .await
}
