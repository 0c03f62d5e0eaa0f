//! Transactions. All services use one isolation level and one rule for repeating a transaction.

use std::time::Duration;

use rand::Rng;
use sqlx::{PgPool, Postgres};

use crate::{Error, Result};

/// The most attempts of one transaction.
const ATTEMPTS: u32 = 6;

/// An open transaction. It is rolled back when it is dropped.
pub type Tx = sqlx::Transaction<'static, Postgres>;

/// Runs `work` in a transaction at `READ COMMITTED`, and commits the transaction that `work`
/// returns beside its value. An error rolls everything back.
///
/// A transaction that the database breaks off because of a deadlock or a serialization failure runs
/// again, a few times, after a short pause. This is rare, since both services lock rows in one
/// order. Only an administrator's statement or a mistake causes it. Repeating is safe, because the
/// database has undone everything. Without repetition the failure would cost a participant's
/// upload, an attempt of a job, or a whole round that a combiner was countersigning. Any other
/// error ends the call. The caller is a job, or a client with an idempotent request. It decides
/// when to try again.
///
/// `work` may run several times, so it must have no effect outside the database. `name` names the
/// transaction in metrics.
///
/// # Errors
/// The errors of `work` and of the database.
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

/// Returns whether the error is a serialization failure or a deadlock. See PostgreSQL's manual,
/// appendix A.
fn asks_for_repetition(error: &Error) -> bool {
    let code = error.database().and_then(sqlx::Error::as_database_error).and_then(|error| error.code());
    code.is_some_and(|code| code == "40001" || code == "40P01")
}

fn back_off(attempt: u32) -> Duration {
    let ceiling = 5 << attempt;
    Duration::from_millis(rand::thread_rng().gen_range(ceiling / 2..=ceiling))
}
