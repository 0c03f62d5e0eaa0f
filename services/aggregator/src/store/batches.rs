//! Batches: balances that were handed over to a distributor's contract, where participants claim
//! them.

use kit::{column::Column, time::Timestamp};
use names::{PublicKey, RoundId, Subject, TreeHash};
use sqlx::{FromRow, PgConnection, PgPool};

use super::books;

/// A balance that can be handed over, with the address that receives it.
#[derive(Clone, Debug)]
pub(crate) struct Claimable {
    pub(crate) subject: Column<Subject>,
    pub(crate) address: [u8; 20],
    /// In the smallest units of the asset, as decimal digits.
    pub(crate) amount: String,
}

/// A balance of a participant who has sent a claim address.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Owed {
    pub(crate) subject: Column<Subject>,
    pub(crate) client_key: Column<PublicKey>,
    /// In the smallest units of the asset, as decimal digits.
    pub(crate) amount: String,
    /// The signed claim addresses on the chain. The largest sequence comes first.
    pub(crate) messages: Vec<Vec<u8>>,
}

/// Lists the balances of participants who have sent a claim address on this chain, in ascending
/// order of subjects.
pub(crate) async fn owed(tx: &mut PgConnection, asset: &str, chain_id: i64) -> sqlx::Result<Vec<Owed>> {
    sqlx::query_as(
        "WITH sent AS (
             SELECT subject, ARRAY_AGG(message ORDER BY sequence DESC) AS messages
             FROM claim_addresses WHERE chain_id = $2 GROUP BY subject
         )
         SELECT a.subject, o.client_key, SUM(p.amount)::TEXT AS amount, s.messages
         FROM sent AS s
         JOIN participants AS o USING (subject)
         JOIN accounts AS a ON a.subject = s.subject AND a.kind = 'participant' AND a.asset = $1
         JOIN postings AS p USING (account_id)
         GROUP BY a.subject, o.client_key, s.messages HAVING SUM(p.amount) > 0
         ORDER BY a.subject",
    )
    .bind(asset)
    .bind(chain_id)
    .fetch_all(tx)
    .await
}

/// Stores a batch, posts it to the books and returns its number. A batch belongs to the payout of a
/// round, or to no round.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    round_id: Option<&RoundId>,
    asset: &str,
    root: &TreeHash,
    balances: &[Claimable],
    now: Timestamp,
) -> sqlx::Result<i64> {
    let subjects: Vec<Column<Subject>> = balances.iter().map(|balance| balance.subject.clone()).collect();
    let addresses: Vec<&[u8]> = balances.iter().map(|balance| balance.address.as_slice()).collect();
    let amounts: Vec<&str> = balances.iter().map(|balance| balance.amount.as_str()).collect();
    let batch_id: i64 = sqlx::query_scalar(
        "INSERT INTO payout_batches (round_id, asset, root, lines, total, made_at)
         SELECT $1, $2, $3, COUNT(*), SUM(amount::NUMERIC), $5 FROM UNNEST($4::TEXT []) AS a (amount)
         RETURNING batch_id",
    )
    .bind(round_id.map(|id| Column(*id)))
    .bind(asset)
    .bind(Column(*root))
    .bind(&amounts)
    .bind(now)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO payout_lines (batch_id, subject, address, amount)
         SELECT $1, l.subject, l.address, l.amount::NUMERIC
         FROM UNNEST($2::TEXT [], $3::BYTEA [], $4::TEXT []) AS l (subject, address, amount)",
    )
    .bind(batch_id)
    .bind(subjects)
    .bind(addresses)
    .bind(amounts)
    .execute(&mut *tx)
    .await?;
    let transfer = books::transfer(tx, "batch", round_id, Some(batch_id), asset, now).await?;
    sqlx::query(
        "INSERT INTO postings (transfer_id, account_id, amount)
         SELECT $1, a.account_id, -l.amount
         FROM payout_lines AS l JOIN accounts AS a ON a.subject = l.subject AND a.asset = $3 WHERE l.batch_id = $2
         UNION ALL
         SELECT $1, (SELECT account_id FROM accounts WHERE kind = 'distributor' AND asset = $3), b.total
         FROM payout_batches AS b WHERE b.batch_id = $2",
    )
    .bind(transfer)
    .bind(batch_id)
    .bind(asset)
    .execute(tx)
    .await?;
    Ok(batch_id)
}

/// One line of a batch: what one participant can claim.
#[derive(FromRow)]
pub(crate) struct LineRow {
    pub(crate) batch_id: i64,
    pub(crate) subject: Column<Subject>,
    pub(crate) address: [u8; 20],
    pub(crate) amount: String,
}

/// Lists the lines of a batch in ascending order of subjects.
pub(crate) async fn lines(db: &PgPool, batch_id: i64) -> sqlx::Result<Vec<LineRow>> {
    sqlx::query_as(
        "SELECT batch_id, subject, address, amount::TEXT AS amount FROM payout_lines
         WHERE batch_id = $1 ORDER BY subject",
    )
    .bind(batch_id)
    .fetch_all(db)
    .await
}

/// Lists a participant's lines in the last `limit` batches. The newest batch comes first.
pub(crate) async fn lines_of(db: &PgPool, subject: &Subject, limit: i64) -> sqlx::Result<Vec<LineRow>> {
    sqlx::query_as(
        "SELECT batch_id, subject, address, amount::TEXT AS amount FROM payout_lines
         WHERE subject = $1 ORDER BY batch_id DESC LIMIT $2",
    )
    .bind(subject.as_str())
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A batch as it is stored.
#[derive(FromRow)]
pub(crate) struct BatchRow {
    pub(crate) batch_id: i64,
    pub(crate) round_id: Option<Column<RoundId>>,
    pub(crate) asset: String,
    pub(crate) root: Column<TreeHash>,
    pub(crate) lines: i32,
    pub(crate) total: String,
    pub(crate) made_at: Timestamp,
    pub(crate) payment: Option<String>,
}

/// Lists at most `limit` batches whose numbers follow `after`.
pub(crate) async fn list(db: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<BatchRow>> {
    sqlx::query_as(
        "SELECT b.batch_id, b.round_id, b.asset, b.root, b.lines, b.total::TEXT AS total, b.made_at,
             p.reference AS payment
         FROM payout_batches AS b LEFT JOIN payments AS p USING (batch_id)
         WHERE b.batch_id > $1 ORDER BY b.batch_id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Finds the batch with this number.
pub(crate) async fn find(db: &PgPool, batch_id: i64) -> sqlx::Result<Option<BatchRow>> {
    Ok(list(db, batch_id.saturating_sub(1), 1).await?.pop().filter(|row| row.batch_id == batch_id))
}
