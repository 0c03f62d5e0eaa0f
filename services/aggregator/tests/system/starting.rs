//! Tests of what a process needs to start, and of its message if something is missing.

use aggregator::SCHEMA;
use sqlx::AssertSqlSafe;

use crate::deployment::Deployment;

async fn execute(deployment: &Deployment, statement: &str) {
    sqlx::query(AssertSqlSafe(statement)).execute(&deployment.db).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_migrated_is_refused_with_the_command_that_helps() {
    let mut deployment = Deployment::start().await;
    deployment.stop_service().await;
    let last = SCHEMA.migrations.iter().map(|migration| migration.version).max().unwrap();
    for version in [last, 1] {
        SCHEMA.undo(&deployment.db, version - 1).await.unwrap();
        let reason = deployment.start_error().await;
        let helpful = format!("lacks migration {version}: run `blindsum db migrate aggregator`");
        assert!(reason.contains(&helpful), "{reason}");
    }
    execute(&deployment, "DROP TABLE _sqlx_migrations").await;
    let reason = deployment.start_error().await;
    assert!(reason.contains("lacks migration 1:"), "{reason}");
    aggregator::migrate(&deployment.db).await.unwrap();
    deployment.start_service().await;
    deployment.open_round().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_functions_and_views_are_older_is_refused_with_the_command_that_helps() {
    let mut deployment = Deployment::start().await;
    deployment.stop_service().await;
    execute(&deployment, "UPDATE schema_definitions SET digest = sha256('x')").await;
    let reason = deployment.start_error().await;
    let helpful = "of the functions and views: run `blindsum db migrate aggregator`";
    assert!(reason.contains(helpful), "{reason}");
    aggregator::migrate(&deployment.db).await.unwrap();
    deployment.start_service().await;
    deployment.open_round().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_granted_nothing_is_told_who_grants() {
    let mut deployment = Deployment::start().await;
    deployment.stop_service().await;
    execute(&deployment, "REVOKE SELECT ON _sqlx_migrations FROM aggregator_rw").await;
    let reason = deployment.start_error().await;
    assert!(reason.contains("`blindsum db migrate aggregator` as the database's owner"), "{reason}");
    aggregator::migrate(&deployment.db).await.unwrap();
    deployment.start_service().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_goes_on_over_a_database_that_is_newer() {
    let mut deployment = Deployment::start().await;
    execute(
        &deployment,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of tomorrow', TRUE, '', 0)",
    )
    .await;
    execute(&deployment, "UPDATE schema_definitions SET version = 9999, digest = sha256('x')").await;
    deployment.stop_service().await;
    deployment.start_service().await;
    deployment.open_round().await;
    aggregator::migrate(&deployment.db).await.unwrap();
    let version: i64 =
        sqlx::query_scalar("SELECT version FROM schema_definitions").fetch_one(&deployment.db).await.unwrap();
    assert_eq!(version, 9999, "what is newer is left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_without_certificate_authorities_will_do_for_combiners_that_need_none() {
    let mut deployment = Deployment::start().await;
    deployment.stop_service().await;
    deployment.start_process().await;
    deployment.open_round().await;
    deployment.stop_service().await;
}
