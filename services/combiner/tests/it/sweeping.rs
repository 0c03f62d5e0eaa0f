//! Tests of keys that no document names.

use api::ProblemKind;
use sqlx::PgConnection;

use crate::deployment::{Deployment, kind};

/// Changes the database as if all keys had been made this long ago.
async fn age(deployment: &Deployment, interval: &str) {
    let mut connection: PgConnection = deployment.connect().await;
    sqlx::query("SET session_replication_role = replica").execute(&mut connection).await.unwrap();
    sqlx::query("UPDATE round_keys SET created_at = NOW() - $1::INTERVAL")
        .bind(interval)
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_without_a_document_is_destroyed_after_a_day_and_its_round_never_opens() {
    let mut deployment = Deployment::new().await;
    let unused = deployment.draft(|_| {}).await;
    let (used, members) = deployment.attested(3).await;
    let name = hex::encode(unused.round_id);
    age(&deployment, "23 hours").await;
    deployment.restart().await;
    assert!(deployment.vault.exists(&name).unwrap());
    age(&deployment, "25 hours").await;
    deployment.restart().await;
    assert!(!deployment.vault.exists(&name).unwrap());
    assert_eq!(kind(deployment.propose(&unused).await), ProblemKind::RoundKeyDestroyed);
    assert_eq!(kind(deployment.round_key(unused.round_id).await), ProblemKind::RoundKeyDestroyed);
    deployment.release_over(&used, &members).await.unwrap();
}

#[tokio::test]
async fn a_key_that_the_database_does_not_know_is_given_a_day_and_never_made_twice() {
    let mut deployment = Deployment::new().await;
    let backup = deployment.database.back_up().await.unwrap();
    let unused = deployment.draft(|_| {}).await;
    let name = hex::encode(unused.round_id);
    deployment.database = backup;
    deployment.restart().await;
    assert!(deployment.vault.exists(&name).unwrap());
    age(&deployment, "25 hours").await;
    deployment.restart().await;
    assert!(!deployment.vault.exists(&name).unwrap());
    assert_eq!(kind(deployment.round_key(unused.round_id).await), ProblemKind::RoundKeyDestroyed);
}

#[tokio::test]
async fn p5_a_key_swept_away_while_its_document_is_countersigned_leaves_no_countersignature() {
    let mut deployment = Deployment::new().await;
    for _ in 0..4 {
        let draft = deployment.draft(|_| {}).await;
        age(&deployment, "25 hours").await;
        let (countersigned, _) = tokio::join!(deployment.propose(&draft), deployment.start());
        let kept = deployment.vault.exists(&hex::encode(draft.round_id)).unwrap();
        assert_eq!(countersigned.is_ok(), kept, "{countersigned:?}");
    }
}
