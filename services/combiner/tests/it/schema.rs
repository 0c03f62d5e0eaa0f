//! Tests of the database itself: its rules, its documentation, and the undoing of migrations.

use std::{env, fs, path::Path};

use combiner::{Combiner, SCHEMA};
use kit::{postgres::bootstrap, schema::describe};
use local::scratch::shared_cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::deployment::Deployment;

#[tokio::test]
async fn p5_what_was_attested_released_and_destroyed_cannot_be_changed() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    deployment.release_over(&round, &members).await.unwrap();
    let mut connection = deployment.connect().await;
    for statement in [
        "UPDATE attestations SET subject = 'other'",
        "DELETE FROM attestations",
        "TRUNCATE attestations",
        "DELETE FROM receipts",
        "UPDATE receipts SET weight = 0",
        "DELETE FROM refused_proofs",
        "UPDATE rounds SET named_at = NULL",
        "UPDATE releases SET root = root",
        "DELETE FROM releases",
        "UPDATE destroyed_keys SET destroyed_at = destroyed_at",
        "DELETE FROM destroyed_keys",
        "DELETE FROM round_keys",
        "DELETE FROM rounds",
        "UPDATE rounds SET outcome = NULL, ended_at = NULL",
    ] {
        let error = sqlx::query(statement).execute(&mut connection).await.unwrap_err();
        let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        assert_eq!(code.as_deref(), Some("23001"), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_migrated_is_refused_with_the_command_that_helps() {
    let deployment = Deployment::new().await;
    let pool = PgPool::connect(&deployment.database.url()).await.unwrap();
    SCHEMA.undo(&pool, 0).await.unwrap();
    let reason = Combiner::start(&deployment.config()).await.err().unwrap().chain();
    assert!(reason.contains("lacks migration 1: run `blindsum db migrate combiner`"), "{reason}");
    combiner::migrate(&pool).await.unwrap();
    let _router = deployment.start().await;
}

#[tokio::test]
async fn a_combiner_goes_on_over_a_database_that_is_newer() {
    let mut deployment = Deployment::new().await;
    let mut connection = deployment.connect().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'of tomorrow', TRUE, '', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    let newer = "UPDATE schema_definitions SET version = 9999, digest = sha256('x')";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    deployment.restart().await;
    deployment.round().await;
}

#[tokio::test]
async fn p5_a_countersigned_document_cannot_be_exchanged() {
    let mut deployment = Deployment::new().await;
    deployment.round().await;
    let mut connection = deployment.connect().await;
    let exchange = sqlx::query("UPDATE rounds SET document = 'x'").execute(&mut connection).await;
    assert_eq!(
        exchange.unwrap_err().as_database_error().and_then(|error| error.code()).as_deref(),
        Some("23001")
    );
}

#[tokio::test]
async fn every_table_view_and_column_says_what_it_is_for() {
    let deployment = Deployment::new().await;
    let mut connection = deployment.connect().await;
    let silent: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname || COALESCE('.' || a.attname, '')
         FROM pg_class AS c
         INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid AND n.nspname = 'public'
         LEFT JOIN LATERAL (
             SELECT NULL::NAME AS attname, 0 AS attnum
             UNION ALL
             SELECT attname, attnum FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND c.relkind = 'r'
         ) AS a ON TRUE
         WHERE c.relkind IN ('r', 'v') AND c.relname <> '_sqlx_migrations'
           AND (CASE a.attnum WHEN 0 THEN obj_description(c.oid, 'pg_class') ELSE col_description(c.oid, a.attnum) END)
               IS NULL",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(silent, Vec::<String>::new());
}

#[tokio::test]
async fn refusals_are_listed_by_reason() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    for _ in 0..2 {
        let heavy = deployment.contribution(&round, "heavy").resigned(|header| header.weight = 11);
        deployment.attest(&round, &[heavy]).await.unwrap();
    }
    let mut connection = deployment.connect().await;
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT reason, count, rounds FROM refusals_by_reason")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(rows, [("weight-out-of-range".to_owned(), 2, 1)]);
}

#[tokio::test]
async fn the_schema_can_be_undone_and_made_again_by_a_role_without_privileges() {
    let cluster = tokio::task::spawn_blocking(shared_cluster).await.unwrap();
    bootstrap(&cluster.admin_url(), "combiner_plain", "combiner_plain", "password").await.unwrap();
    let url = cluster.url_as("combiner_plain", "combiner_plain");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let pool = PgPool::connect(&url).await.unwrap();
    for _ in 0..2 {
        combiner::migrate(&pool).await.unwrap();
        let tables =
            count(&mut connection, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'").await;
        assert_eq!(tables, 8 + 4);
        SCHEMA.undo(&pool, 0).await.unwrap();
        let left = "SELECT (SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public')
                         + (SELECT COUNT(*) FROM pg_views WHERE schemaname = 'public')
                         + (SELECT COUNT(*) FROM pg_proc WHERE pronamespace = 'public'::REGNAMESPACE)";
        assert_eq!(count(&mut connection, left).await, 1, "only the migrations' own table is left");
    }
}

async fn count(connection: &mut PgConnection, statement: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn the_schema_is_the_one_that_is_written_down() {
    let deployment = Deployment::new().await;
    let mut connection = deployment.connect().await;
    let command = "BLINDSUM_WRITE_SCHEMA=1 cargo test --release -p combiner --test it the_schema_is";
    let head = format!(
        "-- The schema of a combiner's database, for reading. The bodies of functions and views are in\n\
         -- functions/ and views/. A test compares this file with a database, and writes it:\n-- {command}\n\n"
    );
    let schema = head + &describe(&mut connection).await.unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/combiner/schema.sql");
    if env::var_os("BLINDSUM_WRITE_SCHEMA").is_some() {
        fs::write(path, &schema).unwrap();
    }
    let written = fs::read_to_string(path).unwrap();
    let mut lines = written.lines().zip(schema.lines());
    if let Some((written, present)) = lines.find(|(written, present)| written != present) {
        panic!("schema.sql has\n{written}\nand the database\n{present}\nTo write it again: {command}");
    }
    assert_eq!(written.len(), schema.len(), "to write schema.sql again: {command}");
}

#[test]
fn the_definitions_are_those_of_their_last_version() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/combiner"));
    let mut files = Vec::new();
    for part in ["functions", "views"] {
        for entry in fs::read_dir(folder.join(part)).unwrap() {
            files.push(format!("{part}/{}", entry.unwrap().file_name().into_string().unwrap()));
        }
    }
    files.extend(["triggers.sql"].map(str::to_owned));
    files.sort();
    let definitions = SCHEMA.definitions;
    let mut known: Vec<_> = definitions.files.iter().map(|(name, _)| (*name).to_owned()).collect();
    known.sort();
    assert_eq!(files, known, "SCHEMA names every file, in the order in which they are applied");
    let last = definitions.versions.lines().last().unwrap();
    let (version, digest) = (definitions.version(), definitions.digest().to_string());
    assert_eq!(
        last,
        format!("{version} {digest}"),
        "the definitions have changed: give definitions.txt a line with the next version and this digest, \
         or put the digest in the last line if no release has that version"
    );
}
