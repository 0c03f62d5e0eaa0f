//! PostgreSQL: connections with time limits, roles and databases, transactions that are tried again.

use std::{str::FromStr, time::Duration};

use rand::Rng;
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Error, Result, config::DatabaseConfig};

/// Opens a pool; the first connection is made at once, so that a wrong URL fails at start-up.
///
/// # Errors
/// A fault.
pub async fn connect(config: &DatabaseConfig) -> Result<PgPool> {
    let milliseconds = |value: u64| value.to_string();
    let options = PgConnectOptions::from_str(&config.url.read()?)?.options([
        ("statement_timeout", milliseconds(config.statement_timeout_ms)),
        ("idle_in_transaction_session_timeout", milliseconds(config.idle_in_transaction_timeout_ms)),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Makes a role that may log in, and a database that belongs to it and that no other role may connect to. Repeating it
/// sets the password anew and changes nothing else.
///
/// # Errors
/// A fault; among others when `admin_url` is not that of a role that may create both.
pub async fn bootstrap(admin_url: &str, database: &str, role: &str, password: &str) -> Result<()> {
    let mut admin = PgConnection::connect(admin_url).await?;
    sqlx::query("SELECT pg_advisory_lock(hashtext('bootstrap'))").execute(&mut admin).await?;
    let exists = sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)");
    let verb = if exists.bind(role).fetch_one(&mut admin).await? { "ALTER" } else { "CREATE" };
    utility(&mut admin, &format!("'{verb} ROLE %I LOGIN PASSWORD %L', $1, $2"), role, password).await?;
    let exists = sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
    if !exists.bind(database).fetch_one(&mut admin).await? {
        utility(&mut admin, "'GRANT %1$I TO CURRENT_USER', $2, $1", database, role).await?;
        utility(&mut admin, "'CREATE DATABASE %I OWNER %I', $1, $2", database, role).await?;
    }
    utility(&mut admin, "'REVOKE ALL ON DATABASE %I FROM PUBLIC', $1, $2", database, role).await?;
    admin.close().await?;
    Ok(())
}

/// Makes a role that may log in and connect to `database`, and a member of `group`, which is made if need be and holds
/// the privileges. Repeating it sets the password anew and changes nothing else.
///
/// # Errors
/// A fault; among others when `admin_url` is not that of a role that may create roles and grant access to the database.
pub async fn bootstrap_member(
    admin_url: &str,
    database: &str,
    group: &str,
    role: &str,
    password: &str,
) -> Result<()> {
    let mut admin = PgConnection::connect(admin_url).await?;
    sqlx::query("SELECT pg_advisory_lock(hashtext('bootstrap'))").execute(&mut admin).await?;
    for (name, verb) in [(group, "CREATE ROLE %I NOLOGIN"), (role, "CREATE ROLE %I LOGIN")] {
        let exists = sqlx::query_scalar::<_, bool>("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)");
        if !exists.bind(name).fetch_one(&mut admin).await? {
            utility(&mut admin, &format!("'{verb}', $1, $2"), name, "").await?;
        }
    }
    utility(&mut admin, "'ALTER ROLE %I LOGIN PASSWORD %L', $1, $2", role, password).await?;
    utility(&mut admin, "'GRANT %I TO %I', $1, $2", group, role).await?;
    utility(&mut admin, "'GRANT CONNECT ON DATABASE %I TO %I', $1, $2", database, role).await?;
    admin.close().await?;
    // Before PostgreSQL 15 everybody may make tables, and functions, in a new database.
    let options = PgConnectOptions::from_str(admin_url)?.database(database);
    let mut admin = PgConnection::connect_with(&options).await?;
    sqlx::query("REVOKE CREATE ON SCHEMA public FROM PUBLIC").execute(&mut admin).await?;
    admin.close().await?;
    Ok(())
}

/// Executes a statement that takes no parameters, with names and literals quoted by the database's own `format`.
async fn utility(admin: &mut PgConnection, format: &str, first: &str, second: &str) -> Result<()> {
    let quoted = format!("SELECT format({format})");
    let statement: String =
        sqlx::query_scalar(AssertSqlSafe(quoted)).bind(first).bind(second).fetch_one(&mut *admin).await?;
    sqlx::query(AssertSqlSafe(statement)).execute(admin).await?;
    Ok(())
}

/// How often a transaction is tried.
const ATTEMPTS: u32 = 6;

/// A transaction that is not committed yet.
pub type Tx = sqlx::Transaction<'static, Postgres>;

/// Runs `work` in a transaction at `READ COMMITTED`, which it gives back with its value to be committed. When the
/// database asks for it (serialization failure, deadlock) `work` is run again, so it must not have effects outside the
/// database. After an error nothing of it remains.
///
/// `name` appears in metrics.
///
/// # Errors
/// Those of `work`, and the database's.
pub async fn run_tx<T, F: Future<Output = Result<(Tx, T)>>>(
    pool: &PgPool,
    name: &'static str,
    work: impl Fn(Tx) -> F,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        match attempt_tx(pool, &work).await {
            Err(error) if attempt < ATTEMPTS && asks_for_repetition(&error) => {
                metrics::counter!("database_transaction_retries_total", "transaction" => name).increment(1);
                tokio::time::sleep(back_off(attempt)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn attempt_tx<T, F: Future<Output = Result<(Tx, T)>>>(
    pool: &PgPool,
    work: &impl Fn(Tx) -> F,
) -> Result<T> {
    let (transaction, value) = work(pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?).await?;
    transaction.commit().await?;
    Ok(value)
}

fn asks_for_repetition(error: &Error) -> bool {
    let code = error.database().and_then(sqlx::Error::as_database_error).and_then(|error| error.code());
    code.is_some_and(|code| code == "40001" || code == "40P01")
}

fn back_off(attempt: u32) -> Duration {
    let ceiling = 5 << attempt;
    Duration::from_millis(rand::thread_rng().gen_range(ceiling / 2..=ceiling))
}
