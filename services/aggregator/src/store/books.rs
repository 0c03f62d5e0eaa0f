//! The books: double entries of earnings, and of balances that were handed over.

use kit::{column::Column, time::Timestamp};
use names::{ContributionId, RoundId, Subject};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};

/// Writes an amount as decimal digits, the form in which statements pass it as `NUMERIC`.
fn digits(amount: u128) -> String {
    amount.to_string()
}

/// Locks the books. No other transaction can change them until this one ends.
pub(crate) async fn lock(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT hold_latch('books')").execute(tx).await?;
    Ok(())
}

/// Returns whether the round was paid.
pub(crate) async fn is_paid(db: impl PgExecutor<'_>, round_id: &RoundId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM transfers WHERE round_id = $1 AND kind = 'round')")
        .bind(Column(*round_id))
        .fetch_one(db)
        .await
}

/// A contribution in a published sum, which earns a share of the pool.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct Earner {
    pub(crate) contribution_id: Column<ContributionId>,
    pub(crate) subject: Column<Subject>,
    pub(crate) weight: i32,
    /// The header that the participant signed.
    pub(crate) header: Vec<u8>,
}

/// Lists the contributions in a round's sum in ascending order of subjects.
pub(crate) async fn earners(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Vec<Earner>> {
    sqlx::query_as(
        "SELECT contribution_id, subject, weight, header FROM contributions
         WHERE round_id = $1 AND state = 'included' ORDER BY subject",
    )
    .bind(Column(*round_id))
    .fetch_all(db)
    .await
}

/// The share of a contribution, with the numbers from which it was computed.
#[derive(Clone, Debug)]
pub(crate) struct Earning {
    pub(crate) earner: Earner,
    pub(crate) score_ppm: u32,
    pub(crate) reputation_ppm: u32,
    pub(crate) amount: u128,
}

/// Posts a round's pool from the treasury to the participants.
pub(crate) async fn pay_round(
    tx: &mut PgConnection,
    round_id: &RoundId,
    asset: &str,
    earnings: &[Earning],
    now: Timestamp,
) -> sqlx::Result<()> {
    let subjects = subjects(earnings);
    let amounts: Vec<String> = earnings.iter().map(|earning| digits(earning.amount)).collect();
    insert_payouts(tx, round_id, earnings, &amounts).await?;
    open_accounts(tx, asset, &subjects, now).await?;
    let transfer = transfer(tx, "round", Some(round_id), None, asset, now).await?;
    // Use one statement, so that the transfer balances at every moment.
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

fn subjects(earnings: &[Earning]) -> Vec<Column<Subject>> {
    earnings.iter().map(|earning| earning.earner.subject.clone()).collect()
}

async fn insert_payouts(
    tx: &mut PgConnection,
    round_id: &RoundId,
    earnings: &[Earning],
    amounts: &[String],
) -> sqlx::Result<()> {
    let ids: Vec<&[u8]> = earnings.iter().map(|earning| earning.earner.contribution_id.0.as_ref()).collect();
    let subjects = subjects(earnings);
    let weights: Vec<i32> = earnings.iter().map(|earning| earning.earner.weight).collect();
    let scores: Vec<i32> = earnings.iter().map(|earning| earning.score_ppm.cast_signed()).collect();
    let reputations: Vec<i32> = earnings.iter().map(|earning| earning.reputation_ppm.cast_signed()).collect();
    sqlx::query(
        "INSERT INTO payouts (round_id, contribution_id, subject, weight, score_ppm, reputation_ppm, amount)
         SELECT $1, e.contribution_id, e.subject, e.weight, e.score_ppm, e.reputation_ppm, e.amount::NUMERIC
         FROM UNNEST($2::BYTEA [], $3::TEXT [], $4::INTEGER [], $5::INTEGER [], $6::INTEGER [], $7::TEXT [])
             AS e (contribution_id, subject, weight, score_ppm, reputation_ppm, amount)",
    )
    .bind(Column(*round_id))
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

/// Opens the missing accounts for an asset: those of the treasury, of the distributor and of these
/// participants.
async fn open_accounts(
    tx: &mut PgConnection,
    asset: &str,
    subjects: &[Column<Subject>],
    now: Timestamp,
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

/// Stores a transfer without its postings and returns its number.
pub(super) async fn transfer(
    tx: &mut PgConnection,
    kind: &str,
    round_id: Option<&RoundId>,
    batch_id: Option<i64>,
    asset: &str,
    now: Timestamp,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "INSERT INTO transfers (kind, round_id, batch_id, asset, posted_at) VALUES ($1, $2, $3, $4, $5)
         RETURNING transfer_id",
    )
    .bind(kind)
    .bind(round_id.map(|id| Column(*id)))
    .bind(batch_id)
    .bind(asset)
    .bind(now)
    .fetch_one(tx)
    .await
}

/// The earning of one contribution, as callers see it.
#[derive(FromRow)]
pub(crate) struct PayoutRow {
    pub(crate) round_id: Column<RoundId>,
    pub(crate) contribution_id: Column<ContributionId>,
    pub(crate) subject: Column<Subject>,
    pub(crate) policy: String,
    pub(crate) asset: String,
    pub(crate) pool: String,
    pub(crate) weight: i32,
    pub(crate) score_ppm: i32,
    pub(crate) reputation_ppm: i32,
    pub(crate) amount: String,
}

/// Lists the earnings of a round: at most `limit`, for the subjects that follow `after`.
pub(crate) async fn payouts(
    db: &PgPool,
    round_id: &RoundId,
    after: Option<&Subject>,
    limit: i64,
) -> sqlx::Result<Vec<PayoutRow>> {
    sqlx::query_as(
        "SELECT
             o.round_id, o.contribution_id, o.subject, r.payout_policy AS policy, r.payout_asset AS asset,
             r.payout_pool::TEXT AS pool, o.weight, o.score_ppm, o.reputation_ppm, o.amount::TEXT AS amount
         FROM payouts AS o JOIN rounds AS r USING (round_id)
         WHERE o.round_id = $1 AND o.subject > $2 ORDER BY o.subject LIMIT $3",
    )
    .bind(Column(*round_id))
    .bind(after.map_or("", Subject::as_str))
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Lists the earnings of a participant's last `limit` contributions.
pub(crate) async fn earned(db: &PgPool, subject: &Subject, limit: i64) -> sqlx::Result<Vec<PayoutRow>> {
    sqlx::query_as(
        "SELECT
             o.round_id, o.contribution_id, o.subject, r.payout_policy AS policy, r.payout_asset AS asset,
             r.payout_pool::TEXT AS pool, o.weight, o.score_ppm, o.reputation_ppm, o.amount::TEXT AS amount
         FROM payouts AS o JOIN rounds AS r USING (round_id)
         WHERE o.subject = $1 ORDER BY r.sequence DESC LIMIT $2",
    )
    .bind(subject.as_str())
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A participant's balance in one asset: its earnings, and the amount that was handed over.
#[derive(FromRow)]
pub(crate) struct BalanceRow {
    pub(crate) asset: String,
    pub(crate) earned: String,
    pub(crate) handed_over: String,
    pub(crate) balance: String,
}

/// Lists the balances of a participant, one for each asset.
pub(crate) async fn balances(db: &PgPool, subject: &Subject) -> sqlx::Result<Vec<BalanceRow>> {
    sqlx::query_as(
        "SELECT
             a.asset, COALESCE(SUM(p.amount) FILTER (WHERE p.amount > 0), 0)::TEXT AS earned,
             COALESCE(-SUM(p.amount) FILTER (WHERE p.amount < 0), 0)::TEXT AS handed_over,
             COALESCE(SUM(p.amount), 0)::TEXT AS balance
         FROM accounts AS a LEFT JOIN postings AS p USING (account_id)
         WHERE a.subject = $1 GROUP BY a.asset ORDER BY a.asset",
    )
    .bind(subject.as_str())
    .fetch_all(db)
    .await
}
