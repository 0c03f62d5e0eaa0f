//! Tests of transactions, schemas, roles and databases.

use std::sync::atomic::{AtomicU32, Ordering};

use kit::{
    config::{DatabaseConfig, Secret},
    error::Error,
    postgres::{bootstrap, connect},
    schema::{Definitions, Schema, describe},
    tx::{Tx, run_tx},
};
use local::cluster::{Durability, PrivateCluster};
use sqlx::{
    Connection, PgConnection, PgPool, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};
use tokio::sync::Barrier;

async fn reachable(url: &str) -> bool {
    PgConnection::connect(url).await.is_ok()
}

#[tokio::test]
async fn bootstrap_makes_a_role_that_owns_its_database_and_may_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = PrivateCluster::start(dir.path(), Durability::Unsynced).unwrap();
    for _ in 0..2 {
        bootstrap(&cluster.admin_url(), "ledger", "le'dg\"er", "pass'word").await.unwrap();
    }
    bootstrap(&cluster.admin_url(), "other", "other", "password").await.unwrap();
    let mut own = PgConnection::connect(&cluster.url_as("ledger", "le'dg\"er")).await.unwrap();
    sqlx::query("CREATE TABLE t (x INT)").execute(&mut own).await.unwrap();
    assert!(
        !reachable(&cluster.url_as("ledger", "other")).await,
        "the databases are closed to each other's roles"
    );
}

#[tokio::test]
async fn transactions_that_conflict_are_tried_again_and_failed_ones_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = PrivateCluster::start(dir.path(), Durability::Unsynced).unwrap();
    let pool = connect(&DatabaseConfig::new(Secret::text(cluster.admin_url()))).await.unwrap();
    sqlx::query("CREATE TABLE counters (id INT PRIMARY KEY, value INT NOT NULL)")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("INSERT INTO counters VALUES (1, 0), (2, 0)").execute(&pool).await.unwrap();
    let (attempts, both) = (&AtomicU32::new(0), &Barrier::new(2));
    let increment = |ids| run_tx(&pool, "increment", move |tx| increment(tx, ids, attempts, both));
    let (a, b) = tokio::join!(increment([1, 2]), increment([2, 1]));
    a.and(b).unwrap();
    assert_eq!(attempts.load(Ordering::Relaxed), 3, "one of the two was in a deadlock");
    let failed: Result<(), Error> = run_tx(&pool, "fail", |mut tx| async move {
        sqlx::query("UPDATE counters SET value = 99").execute(&mut *tx).await?;
        Err(Error::fault("no"))
    })
    .await;
    failed.unwrap_err();
    let values = "SELECT value FROM counters ORDER BY id";
    assert_eq!(sqlx::query_scalar::<_, i32>(values).fetch_all(&pool).await.unwrap(), [2, 2]);
}

/// Updates the rows one after the other. Two calls with opposite orders wait for each other, once
/// each holds one row.
async fn increment(
    mut tx: Tx,
    ids: [i32; 2],
    attempts: &AtomicU32,
    both: &Barrier,
) -> Result<(Tx, ()), Error> {
    let attempt = attempts.fetch_add(1, Ordering::Relaxed);
    let increment = "UPDATE counters SET value = value + 1 WHERE id = $1";
    sqlx::query(increment).bind(ids[0]).execute(&mut *tx).await?;
    if attempt < 2 {
        both.wait().await;
    }
    sqlx::query(increment).bind(ids[1]).execute(&mut *tx).await?;
    Ok((tx, ()))
}

/// Makes a schema with one table for each name.
fn schema(tables: &[&'static str], definitions: Definitions) -> Schema {
    let migration = |(version, name): (i64, &&'static str)| {
        let sql = sqlx::AssertSqlSafe(format!("CREATE TABLE {name} (x INT)")).into_sql_str();
        Migration::new(version, (*name).into(), MigrationType::Simple, sql, false)
    };
    let bookkeeping = include_str!("../../../migrations/combiner/0001_schema_definitions.up.sql");
    let bookkeeping = Migration::new(
        1,
        "definitions".into(),
        MigrationType::Simple,
        sqlx::AssertSqlSafe(bookkeeping).into_sql_str(),
        false,
    );
    let migrations = std::iter::once(bookkeeping).chain((2..).zip(tables).map(migration)).collect();
    Schema { service: "books", migrations: Migrator::with_migrations(migrations), definitions }
}

async fn refusal(schema: &Schema, pool: &PgPool) -> String {
    schema.check(pool).await.err().map(|error| error.chain()).unwrap_or_default()
}

const NOTHING: Definitions = Definitions { files: &[], versions: "1 of nothing" };

#[tokio::test]
async fn a_database_without_a_migration_is_refused_and_a_newer_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = PrivateCluster::start(dir.path(), Durability::Unsynced).unwrap();
    let pool = connect(&DatabaseConfig::new(Secret::text(cluster.admin_url()))).await.unwrap();
    let [old, new, other] = [&["a"][..], &["a", "b"], &["c"]].map(|tables| schema(tables, NOTHING));
    let lacks = |version| format!("lacks migration {version}: run `blindsum db migrate books`");
    assert!(refusal(&old, &pool).await.contains(&lacks(1)));
    old.migrate(&pool).await.unwrap();
    assert_eq!(refusal(&old, &pool).await, "");
    assert!(refusal(&new, &pool).await.contains(&lacks(3)));
    assert!(refusal(&other, &pool).await.contains("migration 2 of the database is not the one"));
    new.migrate(&pool).await.unwrap();
    old.migrate(&pool).await.unwrap();
    assert_eq!(refusal(&old, &pool).await, "", "processes of the last version go on");
    assert_eq!(refusal(&new, &pool).await, "");
}

const FIRST: Definitions = Definitions {
    files: &[
        (
            "functions.sql",
            "CREATE FUNCTION one() RETURNS INT LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION gone() RETURNS INT LANGUAGE sql AS 'SELECT 0';",
        ),
        (
            "views.sql",
            "CREATE VIEW ones AS SELECT one() AS x FROM a; CREATE VIEW more AS SELECT x FROM ones;",
        ),
    ],
    versions: "# A comment\n1 of these\n",
};

const SECOND: Definitions = Definitions {
    files: &[
        ("functions.sql", "CREATE FUNCTION one() RETURNS TEXT LANGUAGE sql AS $$SELECT 'one'$$;"),
        ("views.sql", "CREATE VIEW ones AS SELECT one() AS y FROM a;"),
    ],
    versions: "1 of those\n2 of these\n",
};

#[tokio::test]
async fn definitions_are_replaced_by_later_ones_and_never_by_older_ones() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = PrivateCluster::start(dir.path(), Durability::Unsynced).unwrap();
    let pool = connect(&DatabaseConfig::new(Secret::text(cluster.admin_url()))).await.unwrap();
    let [first, second] = [FIRST, SECOND].map(|definitions| schema(&["a"], definitions));
    first.migrate(&pool).await.unwrap();
    sqlx::query("CREATE FUNCTION theirs() RETURNS INT LANGUAGE sql AS 'SELECT 2'")
        .execute(&pool)
        .await
        .unwrap();
    let lacks = "lacks version 2 of the functions and views: run `blindsum db migrate books`";
    assert!(refusal(&second, &pool).await.contains(lacks));
    assert_eq!(refusal(&first, &pool).await, "");
    let migrating = futures::future::join_all((0..4).map(|_| second.migrate(&pool)));
    migrating.await.into_iter().collect::<Result<Vec<_>, _>>().unwrap();
    first.migrate(&pool).await.unwrap();
    assert_eq!((refusal(&first, &pool).await, refusal(&second, &pool).await), (String::new(), String::new()));
    let mut connection = pool.acquire().await.unwrap();
    let text = describe(&mut connection).await.unwrap();
    assert!(
        text.contains("FUNCTION one()\n    RETURNS text") && text.contains("VIEW ones (\n    y text"),
        "{text}"
    );
    assert!(
        !text.contains("gone()") && !text.contains("more"),
        "what is no longer defined is dropped: {text}"
    );
    assert!(text.contains("FUNCTION theirs()"), "what others made is left alone: {text}");
    let again = Definitions { files: &[("functions.sql", "CREATE FUNCTION one(")], versions: "3 broken" };
    let error = schema(&["a"], again).migrate(&pool).await.unwrap_err().chain();
    assert!(error.contains("functions.sql cannot be applied"), "{error}");
    assert_eq!(describe(&mut connection).await.unwrap(), text, "all of them are applied, or none");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = PrivateCluster::start(dir.path(), Durability::Unsynced).unwrap();
    let mut config = DatabaseConfig::new(Secret::text(cluster.admin_url()));
    config.statement_timeout_ms = 50;
    let pool = connect(&config).await.unwrap();
    let error = sqlx::query("SELECT pg_sleep(10)").execute(&pool).await.unwrap_err();
    assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("57014"));
}
