//! Transactions: one isolation level and one rule for repeating them, for every service.

use std::time::Duration;

use rand::Rng;
use sqlx::{PgPool, Postgres};

use crate::{Error, Result};

/// How often a transaction is tried.
const ATTEMPTS: u32 = 6;

/// An open transaction. Dropping it undoes it.
pub type Tx = sqlx::Transaction<'static, Postgres>;

/// Runs `work` in a transaction at `READ COMMITTED` and commits the transaction that `work` returns
/// beside its value. After an error nothing of it remains.
///
/// A transaction that the database breaks off because of a deadlock or a serialization failure runs
/// again, a few times, after a short pause. Both services lock rows in one order, so this is rare: it
/// takes an administrator's statement, or a mistake. Repeating is safe, because the database has undone
/// everything. Not repeating would cost much more: a participant's upload, an attempt of a job, or, in
/// a combiner that countersigns, a whole round. Any other error ends the call, since the caller (a job,
/// a client with an idempotent request) knows better when to try again.
///
/// `work` may run several times, so it must not have effects outside the database. `name` names the
/// transaction in metrics.
///
/// # Errors
/// Those of `work` and of the database.
pub async fn run_tx<T, F: Future<Output = Result<(Tx, T)>>>(
    pool: &PgPool,
    name: &'static str,
    work: impl Fn(Tx) -> F,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        match run_once(pool, &work).await {
            Err(error) if attempt < ATTEMPTS && asks_for_repetition(&error) => {
                metrics::counter!("database_transaction_retries_total", "transaction" => name).increment(1);
                tokio::time::sleep(back_off(attempt)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn run_once<T, F: Future<Output = Result<(Tx, T)>>>(
    pool: &PgPool,
    work: &impl Fn(Tx) -> F,
) -> Result<T> {
    let (tx, value) = work(pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?).await?;
    tx.commit().await?;
    Ok(value)
}

/// Serialization failure or deadlock: PostgreSQL, appendix A.
fn asks_for_repetition(error: &Error) -> bool {
    let code = error.database().and_then(sqlx::Error::as_database_error).and_then(|error| error.code());
    code.is_some_and(|code| code == "40001" || code == "40P01")
}

fn back_off(attempt: u32) -> Duration {
    let ceiling = 5 << attempt;
    Duration::from_millis(rand::thread_rng().gen_range(ceiling / 2..=ceiling))
}
