//! Claim addresses: signed messages that say where participants want to be paid.

use kit::time::Timestamp;
use names::Subject;
use sqlx::{PgConnection, PgPool};

/// Stores a claim address. Returns the message that is stored under this sequence. It differs from
/// the given one if the sequence was used before.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    subject: &Subject,
    chain_id: i64,
    sequence: i64,
    address: &[u8; 20],
    message: &[u8],
    now: Timestamp,
) -> sqlx::Result<Vec<u8>> {
    sqlx::query(
        "INSERT INTO claim_addresses (subject, chain_id, sequence, address, message, stored_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(subject.as_str())
    .bind(chain_id)
    .bind(sequence)
    .bind(address)
    .bind(message)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query_scalar(
        "SELECT message FROM claim_addresses WHERE subject = $1 AND chain_id = $2 AND sequence = $3",
    )
    .bind(subject.as_str())
    .bind(chain_id)
    .bind(sequence)
    .fetch_one(tx)
    .await
}

/// Lists a participant's signed messages by chain. The largest sequence comes first.
pub(crate) async fn messages(db: &PgPool, subject: &Subject) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar(
        "SELECT message FROM claim_addresses WHERE subject = $1 ORDER BY chain_id, sequence DESC",
    )
    .bind(subject.as_str())
    .fetch_all(db)
    .await
}
