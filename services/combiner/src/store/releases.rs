//! Sums of key shares that were released.

use kit::time::Timestamp;
use sqlx::{FromRow, PgConnection, PgExecutor};

/// A released set and the answer over it.
#[derive(Clone, FromRow)]
pub(crate) struct Release {
    pub(crate) root: [u8; 32],
    pub(crate) answer: Vec<u8>,
}

/// The release of this round, if there is one.
pub(crate) async fn find(db: impl PgExecutor<'_>, round_hash: &[u8; 32]) -> sqlx::Result<Option<Release>> {
    sqlx::query_as("SELECT root, answer FROM releases WHERE round_hash = $1")
        .bind(round_hash)
        .fetch_optional(db)
        .await
}

/// Stores the one release of a round.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    round_hash: &[u8; 32],
    release: &Release,
    count: usize,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO releases (round_hash, root, member_count, answer, released_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(round_hash)
    .bind(release.root)
    .bind(i32::try_from(count).unwrap_or(i32::MAX))
    .bind(&release.answer)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
