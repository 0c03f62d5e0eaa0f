//! The released sums of key shares.

use kit::column::Column;
use kit::time::Timestamp;
use names::{RoundHash, SetRoot};
use sqlx::{FromRow, PgConnection, PgExecutor};

/// A released set root with the answer that was given for it.
#[derive(Clone, FromRow)]
pub(crate) struct Release {
    pub(crate) root: Column<SetRoot>,
    pub(crate) answer: Vec<u8>,
}

/// Finds the release of this round.
pub(crate) async fn find(db: impl PgExecutor<'_>, round_hash: &RoundHash) -> sqlx::Result<Option<Release>> {
    sqlx::query_as("SELECT root, answer FROM releases WHERE round_hash = $1")
        .bind(Column(*round_hash))
        .fetch_optional(db)
        .await
}

/// Stores the one release of a round.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    round_hash: &RoundHash,
    release: &Release,
    count: usize,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO releases (round_hash, root, member_count, answer, released_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(Column(*round_hash))
    .bind(release.root)
    .bind(i32::try_from(count).unwrap_or(i32::MAX))
    .bind(&release.answer)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
