//! The contributions with a proof that this combiner refused.

use std::collections::HashSet;

use api::ProblemKind;
use kit::{column::Column, time::Timestamp};
use names::{HeaderHash, RoundHash};
use sqlx::{PgExecutor, PgPool};

/// Lists the contributions of a round with a refused proof.
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    round_hash: &RoundHash,
) -> sqlx::Result<HashSet<HeaderHash>> {
    let hashes = sqlx::query_scalar("SELECT header_hash FROM refused_proofs WHERE round_hash = $1");
    let hashes = Column::values(hashes.bind(Column(*round_hash)).fetch_all(db).await)?;
    Ok(hashes.into_iter().collect())
}

/// Records that a proof does not verify. Returns `false` if that was recorded before.
pub(crate) async fn insert(
    db: &PgPool,
    round_hash: &RoundHash,
    header_hash: &HeaderHash,
    reason: ProblemKind,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let outcome = sqlx::query(
        "INSERT INTO refused_proofs (round_hash, header_hash, reason, refused_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(Column(*round_hash))
    .bind(Column(*header_hash))
    .bind(reason.code())
    .bind(now)
    .execute(db)
    .await?;
    Ok(outcome.rows_affected() == 1)
}
