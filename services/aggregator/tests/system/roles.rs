//! Tests of the privileges of each role, tried as the role itself.

use api::rounds::RoundState;
use local::databases::{AGGREGATOR, AUDITOR, PAYER};
use sqlx::{AssertSqlSafe, PgPool};

use crate::{deployment::Deployment, participant::Participant};

/// Tries a statement. A missing privilege must refuse it, not a trigger.
async fn forbidden(db: &PgPool, statement: &str) {
    let error = sqlx::query(AssertSqlSafe(statement)).execute(db).await.expect_err(statement);
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
    assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
}

async fn played() -> Deployment {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    deployment.until_sealed().await;
    deployment
}

async fn names(db: &PgPool, query: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(db).await.unwrap()
}

const TABLES: &str = "SELECT table_name::TEXT FROM information_schema.tables
                      WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations'";

#[tokio::test(flavor = "multi_thread")]
async fn the_service_cannot_rewrite_its_record() {
    let deployment = played().await;
    let service = deployment.connect_as(AGGREGATOR).await;
    let append_only =
        names(&deployment.db, "SELECT table_name FROM recorded_tables() WHERE append_only").await;
    let others = ["contribution_events", "reputation_events", "log_entries", "log_nodes", "log_outbox"];
    for table in append_only.iter().map(String::as_str).chain(others) {
        let column = "SELECT column_name::TEXT FROM information_schema.columns
                      WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position LIMIT 1";
        let column: String = sqlx::query_scalar(column).bind(table).fetch_one(&deployment.db).await.unwrap();
        forbidden(&service, &format!("UPDATE {table} SET {column} = DEFAULT")).await;
    }
    for table in names(&deployment.db, TABLES).await {
        forbidden(&service, &format!("DELETE FROM {table}")).await;
        forbidden(&service, &format!("TRUNCATE {table}")).await;
        forbidden(&service, &format!("ALTER TABLE {table} DISABLE TRIGGER ALL")).await;
    }
    for statement in [
        "UPDATE contributions SET weight = 2",
        "UPDATE contributions SET receipt = ''",
        "UPDATE rounds SET document = ''",
        "UPDATE participants SET subject = 'x'",
        "INSERT INTO log_entries (index, payload, leaf_hash, recorded_at, sequenced_at)
         VALUES (1000000, '{}', sha256(''), now(), now())",
        "INSERT INTO log_outbox (payload) VALUES ('{}')",
        "INSERT INTO contribution_events (round_id, contribution_id, state, happened_at) VALUES ('', '', '', now())",
        "INSERT INTO payments (batch_id, reference) VALUES (1, 'x')",
        "CREATE TABLE public.mine (x INTEGER)",
        "CREATE FUNCTION public.mine() RETURNS INTEGER LANGUAGE sql AS 'SELECT 1'",
        "SET session_replication_role = replica",
    ] {
        forbidden(&service, statement).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_views_and_nothing_else() {
    let deployment = played().await;
    let auditor = deployment.connect_as(AUDITOR).await;
    for table in names(&deployment.db, TABLES).await {
        forbidden(&auditor, &format!("SELECT FROM {table}")).await;
        forbidden(&auditor, &format!("DELETE FROM {table}")).await;
        forbidden(&auditor, &format!("INSERT INTO {table} DEFAULT VALUES")).await;
    }
    let views = names(
        &deployment.db,
        "SELECT table_name::TEXT FROM information_schema.views WHERE table_schema = 'audit'",
    )
    .await;
    assert!(views.len() > 15);
    for view in &views {
        sqlx::query(AssertSqlSafe(format!("SELECT * FROM audit.{view}"))).fetch_all(&auditor).await.unwrap();
        let writes = "SELECT has_table_privilege('blindsum_aggregator_auditor', 'audit.' || $1, 'INSERT, UPDATE, DELETE, TRUNCATE')";
        let writes: bool = sqlx::query_scalar(writes).bind(view).fetch_one(&deployment.db).await.unwrap();
        assert!(!writes, "{view}");
    }
    forbidden(&auditor, "SELECT * FROM sequence_log(1)").await;
    forbidden(&auditor, "SELECT hold_latch('log')").await;
    forbidden(&auditor, "CREATE TABLE public.mine (x INTEGER)").await;
    // The views of an auditor contain nothing secret: no sealed seeds, and no bytes of headers,
    // proofs or receipts.
    for secret in ["sealed_seeds", "header", "proof", "receipt", "credential", "answer", "attestation"] {
        let hexadecimal: Vec<String> = names(
            &deployment.db,
            &format!(
                "SELECT encode(substr({secret}, 1, 40), 'hex') FROM {} WHERE octet_length({secret}) > 40",
                match secret {
                    "credential" => "participants",
                    "answer" => "release_answers",
                    "attestation" => "attestations",
                    _ => "contributions",
                }
            ),
        )
        .await;
        for view in &views {
            let text = format!("SELECT coalesce(string_agg(v::TEXT, ' '), '') FROM audit.{view} AS v");
            let text: String = sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(&auditor).await.unwrap();
            assert!(hexadecimal.iter().all(|bytes| !text.contains(bytes)), "{secret} in {view}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_sees_what_is_to_be_paid_and_says_what_was() {
    let deployment = played().await;
    let payer = deployment.connect_as(PAYER).await;
    for view in ["batches", "batch_lines", "balances", "payouts", "claim_addresses"] {
        sqlx::query(AssertSqlSafe(format!("SELECT * FROM audit.{view}"))).fetch_all(&payer).await.unwrap();
    }
    for statement in [
        "SELECT * FROM audit.contributions",
        "SELECT * FROM contributions",
        "INSERT INTO payments (batch_id, reference, paid_at) VALUES (1, 'x', now())",
        "DELETE FROM payments",
        "UPDATE payments SET reference = 'x'",
        "INSERT INTO postings (transfer_id, account_id, amount) VALUES (1, 1, 1)",
        "INSERT INTO log_outbox (payload) VALUES ('{}')",
    ] {
        forbidden(&payer, statement).await;
    }
}
