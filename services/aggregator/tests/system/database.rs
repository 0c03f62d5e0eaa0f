//! What the database refuses, whoever asks, and migrations in both directions.

use aggregator::MIGRATOR;
use api::rounds::RoundState;
use sqlx::{AssertSqlSafe, PgPool};

use crate::{deployment::Deployment, participant::Participant};

async fn refused(db: &PgPool, statement: &str) {
    let error = sqlx::query(AssertSqlSafe(statement)).execute(db).await.expect_err(statement);
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    // Restrict violation or check violation: refused by a trigger.
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
    let tables = "SELECT COUNT(*) FROM information_schema.tables
                  WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'";
    let count = async || -> i64 { sqlx::query_scalar(tables).fetch_one(db).await.unwrap() };
    let before = count().await;
    assert!(before > 10);
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
    MIGRATOR.undo(db, 0).await.unwrap();
    assert_eq!(count().await, 0);
    MIGRATOR.run(db).await.unwrap();
    assert_eq!(count().await, before);
}
