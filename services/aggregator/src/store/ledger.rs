//! The ledger: what contributions earned, double entries, batches of claims.

use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};

use super::Instant;

/// An amount as it travels to and from `NUMERIC`: decimal digits.
fn digits(amount: u128) -> String {
    amount.to_string()
}

/// Nobody else changes the ledger until the transaction ends.
pub(crate) async fn lock(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT hold_latch('books')").execute(tx).await?;
    Ok(())
}

/// Whether a round has been paid.
pub(crate) async fn is_paid(db: impl PgExecutor<'_>, round_id: &[u8; 16]) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM transfers WHERE round_id = $1 AND kind = 'round')")
        .bind(round_id)
        .fetch_one(db)
        .await
}

/// A contribution in a published sum.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Earner {
    pub(crate) contribution_id: [u8; 16],
    pub(crate) subject: String,
    pub(crate) weight: i32,
    /// The header that its participant signed.
    pub(crate) header: Vec<u8>,
}

/// The contributions in a round's sum, in ascending order of subjects.
pub(crate) async fn earners(db: &PgPool, round_id: &[u8; 16]) -> sqlx::Result<Vec<Earner>> {
    sqlx::query_as(
        "SELECT contribution_id, subject, weight, header FROM contributions
         WHERE round_id = $1 AND state = 'included' ORDER BY subject",
    )
    .bind(round_id)
    .fetch_all(db)
    .await
}

/// What a contribution earned, and from what that was reckoned.
#[derive(Clone, Debug)]
pub(crate) struct Earning {
    pub(crate) earner: Earner,
    pub(crate) score_ppm: u32,
    pub(crate) reputation_ppm: u32,
    pub(crate) amount: u128,
}

/// Posts a round's pool from the treasury to its participants.
pub(crate) async fn pay_round(
    tx: &mut PgConnection,
    round_id: &[u8; 16],
    asset: &str,
    earnings: &[Earning],
    now: Instant,
) -> sqlx::Result<()> {
    let subjects: Vec<&str> = earnings.iter().map(|earning| earning.earner.subject.as_str()).collect();
    let amounts: Vec<String> = earnings.iter().map(|earning| digits(earning.amount)).collect();
    insert_payouts(tx, round_id, earnings, &amounts).await?;
    open_accounts(tx, asset, &subjects, now).await?;
    let transfer = transfer(tx, "round", Some(round_id), None, asset, now).await?;
    // One statement: a transfer balances at every moment.
    sqlx::query(
        "WITH earned AS (
             SELECT a.account_id, e.amount::NUMERIC AS amount
             FROM UNNEST($2::TEXT [], $3::TEXT []) AS e (subject, amount)
             JOIN accounts AS a ON a.subject = e.subject AND a.asset = $4
             WHERE e.amount <> '0'
         )
         INSERT INTO postings (transfer_id, account_id, amount)
         SELECT $1, account_id, amount FROM earned
         UNION ALL
         SELECT $1, (SELECT account_id FROM accounts WHERE kind = 'treasury' AND asset = $4), -SUM(amount) FROM earned",
    )
    .bind(transfer)
    .bind(subjects)
    .bind(amounts)
    .bind(asset)
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_payouts(
    tx: &mut PgConnection,
    round_id: &[u8; 16],
    earnings: &[Earning],
    amounts: &[String],
) -> sqlx::Result<()> {
    let ids: Vec<&[u8]> = earnings.iter().map(|earning| earning.earner.contribution_id.as_slice()).collect();
    let subjects: Vec<&str> = earnings.iter().map(|earning| earning.earner.subject.as_str()).collect();
    let weights: Vec<i32> = earnings.iter().map(|earning| earning.earner.weight).collect();
    let scores: Vec<i32> = earnings.iter().map(|earning| earning.score_ppm.cast_signed()).collect();
    let reputations: Vec<i32> = earnings.iter().map(|earning| earning.reputation_ppm.cast_signed()).collect();
    sqlx::query(
        "INSERT INTO payouts (round_id, contribution_id, subject, weight, score_ppm, reputation_ppm, amount)
         SELECT $1, e.contribution_id, e.subject, e.weight, e.score_ppm, e.reputation_ppm, e.amount::NUMERIC
         FROM UNNEST($2::BYTEA [], $3::TEXT [], $4::INTEGER [], $5::INTEGER [], $6::INTEGER [], $7::TEXT [])
             AS e (contribution_id, subject, weight, score_ppm, reputation_ppm, amount)",
    )
    .bind(round_id)
    .bind(ids)
    .bind(subjects)
    .bind(weights)
    .bind(scores)
    .bind(reputations)
    .bind(amounts)
    .execute(tx)
    .await?;
    Ok(())
}

/// The treasury's, the distributor's and these participants' accounts for an asset.
async fn open_accounts(
    tx: &mut PgConnection,
    asset: &str,
    subjects: &[&str],
    now: Instant,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO accounts (kind, subject, asset, opened_at)
         SELECT kind, subject, $1, $3 FROM (
             VALUES ('treasury', NULL), ('distributor', NULL)
             UNION ALL
             SELECT 'participant', subject FROM UNNEST($2::TEXT []) AS s (subject)
         ) AS wanted (kind, subject)
         WHERE NOT EXISTS (
             SELECT FROM accounts AS a
             WHERE a.kind = wanted.kind AND a.subject IS NOT DISTINCT FROM wanted.subject AND a.asset = $1
         )",
    )
    .bind(asset)
    .bind(subjects)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

async fn transfer(
    tx: &mut PgConnection,
    kind: &str,
    round_id: Option<&[u8; 16]>,
    batch_id: Option<i64>,
    asset: &str,
    now: Instant,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "INSERT INTO transfers (kind, round_id, batch_id, asset, posted_at) VALUES ($1, $2, $3, $4, $5)
         RETURNING transfer_id",
    )
    .bind(kind)
    .bind(round_id)
    .bind(batch_id)
    .bind(asset)
    .bind(now)
    .fetch_one(tx)
    .await
}

/// A balance that can be handed over.
#[derive(Clone, Debug)]
pub(crate) struct Claimable {
    pub(crate) subject: String,
    pub(crate) address: [u8; 20],
    /// Decimal digits.
    pub(crate) amount: String,
}

/// A balance of a participant who has sent an address.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Owed {
    pub(crate) subject: String,
    pub(crate) client_key: [u8; 32],
    /// Decimal digits.
    pub(crate) amount: String,
    /// The messages with addresses on the chain, the largest sequence first.
    pub(crate) messages: Vec<Vec<u8>>,
}

/// The balances of participants who have sent an address on this chain, in ascending order of subjects.
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

/// Stores a batch, made after the payout of a round or by itself, and posts it; answers its number.
pub(crate) async fn insert_batch(
    tx: &mut PgConnection,
    round_id: Option<&[u8; 16]>,
    asset: &str,
    root: &[u8; 32],
    balances: &[Claimable],
    now: Instant,
) -> sqlx::Result<i64> {
    let subjects: Vec<&str> = balances.iter().map(|balance| balance.subject.as_str()).collect();
    let addresses: Vec<&[u8]> = balances.iter().map(|balance| balance.address.as_slice()).collect();
    let amounts: Vec<&str> = balances.iter().map(|balance| balance.amount.as_str()).collect();
    let batch_id: i64 = sqlx::query_scalar(
        "INSERT INTO payout_batches (round_id, asset, root, lines, total, made_at)
         SELECT $1, $2, $3, COUNT(*), SUM(amount::NUMERIC), $5 FROM UNNEST($4::TEXT []) AS a (amount)
         RETURNING batch_id",
    )
    .bind(round_id)
    .bind(asset)
    .bind(root)
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
    let transfer = transfer(tx, "batch", round_id, Some(batch_id), asset, now).await?;
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

/// What a contribution earned, as it is shown.
#[derive(FromRow)]
pub(crate) struct PayoutRow {
    pub(crate) round_id: [u8; 16],
    pub(crate) contribution_id: [u8; 16],
    pub(crate) subject: String,
    pub(crate) policy: String,
    pub(crate) asset: String,
    pub(crate) pool: String,
    pub(crate) weight: i32,
    pub(crate) score_ppm: i32,
    pub(crate) reputation_ppm: i32,
    pub(crate) amount: String,
}

/// What contributions of a round earned, at most `limit` of those whose subjects follow `after`.
pub(crate) async fn payouts(
    db: &PgPool,
    round_id: &[u8; 16],
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<PayoutRow>> {
    sqlx::query_as(
        "SELECT
             o.round_id, o.contribution_id, o.subject, r.payout_policy AS policy, r.payout_asset AS asset,
             r.payout_pool::TEXT AS pool, o.weight, o.score_ppm, o.reputation_ppm, o.amount::TEXT AS amount
         FROM payouts AS o JOIN rounds AS r USING (round_id)
         WHERE o.round_id = $1 AND o.subject > $2 ORDER BY o.subject LIMIT $3",
    )
    .bind(round_id)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// What a participant earned last, at most `limit` contributions of it.
pub(crate) async fn earned(db: &PgPool, subject: &str, limit: i64) -> sqlx::Result<Vec<PayoutRow>> {
    sqlx::query_as(
        "SELECT
             o.round_id, o.contribution_id, o.subject, r.payout_policy AS policy, r.payout_asset AS asset,
             r.payout_pool::TEXT AS pool, o.weight, o.score_ppm, o.reputation_ppm, o.amount::TEXT AS amount
         FROM payouts AS o JOIN rounds AS r USING (round_id)
         WHERE o.subject = $1 ORDER BY r.sequence DESC LIMIT $2",
    )
    .bind(subject)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// What a participant has been credited and what of it was handed over, for one asset.
#[derive(FromRow)]
pub(crate) struct BalanceRow {
    pub(crate) asset: String,
    pub(crate) earned: String,
    pub(crate) handed_over: String,
    pub(crate) balance: String,
}

/// A participant's balances.
pub(crate) async fn balances(db: &PgPool, subject: &str) -> sqlx::Result<Vec<BalanceRow>> {
    sqlx::query_as(
        "SELECT
             a.asset, COALESCE(SUM(p.amount) FILTER (WHERE p.amount > 0), 0)::TEXT AS earned,
             COALESCE(-SUM(p.amount) FILTER (WHERE p.amount < 0), 0)::TEXT AS handed_over,
             COALESCE(SUM(p.amount), 0)::TEXT AS balance
         FROM accounts AS a LEFT JOIN postings AS p USING (account_id)
         WHERE a.subject = $1 GROUP BY a.asset ORDER BY a.asset",
    )
    .bind(subject)
    .fetch_all(db)
    .await
}

/// A line of a batch.
#[derive(FromRow)]
pub(crate) struct LineRow {
    pub(crate) batch_id: i64,
    pub(crate) subject: String,
    pub(crate) address: [u8; 20],
    pub(crate) amount: String,
}

/// The lines of a batch, in ascending order of subjects.
pub(crate) async fn lines(db: &PgPool, batch_id: i64) -> sqlx::Result<Vec<LineRow>> {
    sqlx::query_as(
        "SELECT batch_id, subject, address, amount::TEXT AS amount FROM payout_lines
         WHERE batch_id = $1 ORDER BY subject",
    )
    .bind(batch_id)
    .fetch_all(db)
    .await
}

/// A participant's lines, the last `limit` batches first.
pub(crate) async fn lines_of(db: &PgPool, subject: &str, limit: i64) -> sqlx::Result<Vec<LineRow>> {
    sqlx::query_as(
        "SELECT batch_id, subject, address, amount::TEXT AS amount FROM payout_lines
         WHERE subject = $1 ORDER BY batch_id DESC LIMIT $2",
    )
    .bind(subject)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A batch.
#[derive(FromRow)]
pub(crate) struct BatchRow {
    pub(crate) batch_id: i64,
    pub(crate) round_id: Option<[u8; 16]>,
    pub(crate) asset: String,
    pub(crate) root: [u8; 32],
    pub(crate) lines: i32,
    pub(crate) total: String,
    pub(crate) made_at: Instant,
    pub(crate) payment: Option<String>,
}

/// At most `limit` batches that follow `after`.
pub(crate) async fn batches(db: &PgPool, after: i64, limit: i64) -> sqlx::Result<Vec<BatchRow>> {
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

/// A batch.
pub(crate) async fn batch(db: &PgPool, batch_id: i64) -> sqlx::Result<Option<BatchRow>> {
    Ok(batches(db, batch_id.saturating_sub(1), 1).await?.pop().filter(|row| row.batch_id == batch_id))
}

/// Stores where a participant wants to be paid; answers the message that is stored under this sequence.
pub(crate) async fn claim(
    tx: &mut PgConnection,
    subject: &str,
    chain_id: i64,
    sequence: i64,
    address: &[u8; 20],
    message: &[u8],
    now: Instant,
) -> sqlx::Result<Vec<u8>> {
    sqlx::query(
        "INSERT INTO claim_addresses (subject, chain_id, sequence, address, message, stored_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(subject)
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
    .bind(subject)
    .bind(chain_id)
    .bind(sequence)
    .fetch_one(tx)
    .await
}

/// The messages of a participant, by chain, the largest sequence first.
pub(crate) async fn claims(db: &PgPool, subject: &str) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar(
        "SELECT message FROM claim_addresses WHERE subject = $1 ORDER BY chain_id, sequence DESC",
    )
    .bind(subject)
    .fetch_all(db)
    .await
}
