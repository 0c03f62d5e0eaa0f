//! The receipts that participants handed over.

use kit::{column::Column, time::Timestamp};
use names::{HeaderHash, RoundHash, SealedDigest, Subject};
use protocol::roles::company::Known;
use sqlx::{PgConnection, PgExecutor};

/// Stores a contribution with a receipt. A second receipt for it changes nothing.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    round_hash: &RoundHash,
    known: &Known,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO receipts (round_hash, header_hash, subject, weight, sealed_digest, received_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
    )
    .bind(Column(*round_hash))
    .bind(Column(known.header_hash))
    .bind(known.subject.as_str())
    .bind(i64::from(known.weight))
    .bind(Column(known.sealed_digest))
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Lists the contributions of a round that have a receipt.
pub(crate) async fn list(db: impl PgExecutor<'_>, round_hash: &RoundHash) -> sqlx::Result<Vec<Known>> {
    type Row = (Column<HeaderHash>, Column<Subject>, i64, Column<SealedDigest>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT header_hash, subject, weight, sealed_digest FROM receipts WHERE round_hash = $1",
    )
    .bind(Column(*round_hash))
    .fetch_all(db)
    .await?;
    let known = |(header_hash, subject, weight, sealed_digest): Row| Known {
        header_hash: header_hash.0,
        subject: subject.0,
        // The table checks the range.
        weight: u32::try_from(weight).unwrap_or(u32::MAX),
        sealed_digest: sealed_digest.0,
    };
    Ok(rows.into_iter().map(known).collect())
}
