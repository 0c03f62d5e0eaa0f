//! Tests of statements that the database refuses to every role, and of migrations in both
//! directions.

use std::{env, fs, path::Path};

use aggregator::SCHEMA;
use api::rounds::RoundState;
use kit::schema::describe;
use sqlx::{AssertSqlSafe, PgPool};

use crate::{deployment::Deployment, participant::Participant};

async fn refused(db: &PgPool, statement: &str) {
    let error = sqlx::query(AssertSqlSafe(statement)).execute(db).await.expect_err(statement);
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    // A trigger refuses with a restrict violation or a check violation.
    assert!(matches!(code.as_deref(), Some("23001" | "23514")), "{statement}: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_cannot_be_rewritten() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    let db = &deployment.db;
    let append_only: Vec<String> = sqlx::query_scalar(
        "SELECT table_name FROM recorded_tables() WHERE append_only
         UNION ALL VALUES ('contribution_events'), ('reputation_events'), ('log_entries'), ('log_nodes')",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert!(append_only.len() > 15);
    for table in append_only {
        let column = "SELECT column_name::TEXT FROM information_schema.columns
                      WHERE table_schema = 'public' AND table_name = $1 AND is_identity = 'NO' AND is_generated = 'NEVER'
                      ORDER BY ordinal_position LIMIT 1";
        let column: String = sqlx::query_scalar(column).bind(&table).fetch_one(db).await.unwrap();
        refused(db, &format!("UPDATE {table} SET {column} = {column}")).await;
        refused(db, &format!("DELETE FROM {table}")).await;
        refused(db, &format!("TRUNCATE {table} CASCADE")).await;
    }
    refused(db, "DELETE FROM participants").await;
    refused(db, "TRUNCATE participants CASCADE").await;
    refused(db, "UPDATE log_outbox SET payload = payload").await;
    refused(db, "DELETE FROM contributions").await;
    refused(db, "UPDATE contributions SET state = 'received', reason = NULL").await;
    refused(db, "UPDATE contributions SET receipt = 'x'").await;
    refused(db, "UPDATE contributions SET weight = weight + 1").await;
    refused(db, "UPDATE contributions SET reason = 'x' WHERE state = 'included'").await;
    refused(db, "UPDATE contributions SET sealed_seeds = ''").await;
    refused(db, "UPDATE rounds SET min_cohort = min_cohort + 1").await;
    refused(db, "UPDATE rounds SET ended_at = ended_at + '1 s'").await;
    refused(db, "UPDATE rounds SET state = 'open'").await;
    refused(db, "UPDATE rounds SET document = 'x'").await;
    refused(db, "UPDATE rounds SET root = sha256('x')").await;
    refused(db, "DELETE FROM rounds").await;
    let states: Vec<String> =
        sqlx::query_scalar("SELECT state FROM contribution_events ORDER BY contribution_id, event_id")
            .fetch_all(db)
            .await
            .unwrap();
    assert_eq!(states, ["received", "verified", "included", "received", "verified", "included"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_down_and_up_again_and_everything_is_commented() {
    let mut deployment = Deployment::start().await;
    deployment.stop_service().await;
    let db = &deployment.db;
    let objects = "SELECT (SELECT COUNT(*) FROM pg_class WHERE relnamespace = 'public'::REGNAMESPACE
                               AND relkind IN ('r', 'v') AND relname <> '_sqlx_migrations')
                        + (SELECT COUNT(*) FROM pg_proc WHERE pronamespace = 'public'::REGNAMESPACE)
                        + (SELECT COUNT(*) FROM pg_namespace WHERE nspname = 'audit')";
    let count = async || -> i64 { sqlx::query_scalar(objects).fetch_one(db).await.unwrap() };
    let before = count().await;
    assert!(before > 60);
    let uncommented: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::REGNAMESPACE AND c.relkind = 'r' AND c.relname <> '_sqlx_migrations'
             AND a.attnum > 0 AND NOT a.attisdropped
             AND (COL_DESCRIPTION(c.oid, a.attnum) IS NULL OR OBJ_DESCRIPTION(c.oid, 'pg_class') IS NULL)",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert_eq!(uncommented, []);
    let described = async || describe(&mut db.acquire().await.unwrap()).await.unwrap();
    let schema = described().await;
    SCHEMA.undo(db, 0).await.unwrap();
    assert_eq!(count().await, 0);
    aggregator::migrate(db).await.unwrap();
    assert_eq!(count().await, before);
    assert_eq!(described().await, schema);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_the_one_that_is_written_down() {
    let deployment = Deployment::start().await;
    let mut connection = deployment.db.acquire().await.unwrap();
    let command = "BLINDSUM_WRITE_SCHEMA=1 cargo test --release -p aggregator --test system the_schema_is";
    let head = format!(
        "-- The schema of the aggregator's database, for reading. The bodies of functions and views are in\n\
         -- functions/ and views/. A test compares this file with a database, and writes it:\n-- {command}\n\n"
    );
    let schema = head + &describe(&mut connection).await.unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/aggregator/schema.sql");
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
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/aggregator"));
    let mut files = Vec::new();
    for part in ["functions", "views"] {
        for entry in fs::read_dir(folder.join(part)).unwrap() {
            files.push(format!("{part}/{}", entry.unwrap().file_name().into_string().unwrap()));
        }
    }
    files.extend(["triggers.sql", "grants.sql"].map(str::to_owned));
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
