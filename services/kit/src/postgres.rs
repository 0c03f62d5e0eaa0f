//! Connections to PostgreSQL with time limits, and the setup of roles and databases.

use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{Result, config::DatabaseConfig};

/// Opens a pool. The first connection is made at once, so that a wrong URL fails at start-up.
///
/// # Errors
/// A fault if the database cannot be reached or refuses the connection.
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

/// Creates a role that may log in and a database that this role owns. Only this role may connect to
/// the database. A second call sets the password again and changes nothing else.
///
/// # Errors
/// A fault, for example if the role of `admin_url` may not create roles and databases.
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

/// Creates a role that may log in and connect to `database`. The role is a member of `group`, which
/// holds the privileges. The group is created if it is missing. A second call sets the password
/// again and changes nothing else.
///
/// # Errors
/// A fault, for example if the role of `admin_url` may not create roles or grant access.
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
    // Before PostgreSQL 15 every role may create tables and functions in a new database.
    let options = PgConnectOptions::from_str(admin_url)?.database(database);
    let mut admin = PgConnection::connect_with(&options).await?;
    sqlx::query("REVOKE CREATE ON SCHEMA public FROM PUBLIC").execute(&mut admin).await?;
    admin.close().await?;
    Ok(())
}

/// Executes a statement that takes no parameters. The database's own `format` quotes the names and
/// the literals.
async fn utility(admin: &mut PgConnection, format: &str, first: &str, second: &str) -> Result<()> {
    let quoted = format!("SELECT format({format})");
    let statement: String =
        sqlx::query_scalar(AssertSqlSafe(quoted)).bind(first).bind(second).fetch_one(&mut *admin).await?;
    sqlx::query(AssertSqlSafe(statement)).execute(admin).await?;
    Ok(())
}
