//! Tests of recovery from a crash between two steps, and from a database restored from a backup.

use api::{ProblemKind, combiner::CombinerRoundState};
use names::RoundId;
use sqlx::PgConnection;

use crate::deployment::{Deployment, Round, kind};

#[tokio::test]
async fn p1_a_database_restored_from_before_the_release_answers_no_set_at_all() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(4).await;
    let backup = deployment.database.back_up().await.unwrap();
    deployment.release_over(&round, &members).await.unwrap();
    deployment.database = backup;
    deployment.restart().await;
    assert_eq!(
        deployment.view(&round).await.unwrap().state,
        CombinerRoundState::Countersigned,
        "it has forgotten"
    );
    assert_eq!(kind(deployment.release_over(&round, &members[1..]).await), ProblemKind::RoundKeyDestroyed);
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::RoundKeyDestroyed);
    let late = deployment.contribution(&round, "late");
    assert_eq!(kind(deployment.attest(&round, &[late]).await), ProblemKind::RoundKeyDestroyed);
    let view = deployment.abandon(&round).await.unwrap();
    assert!(view.unreleased.is_none(), "the vault remembers that the key was bound to a set");
}

#[tokio::test]
async fn p1_a_database_restored_from_before_the_round_makes_no_second_key_for_it() {
    let mut deployment = Deployment::new().await;
    let backup = deployment.database.back_up().await.unwrap();
    let (round, members) = deployment.attested(3).await;
    deployment.release_over(&round, &members).await.unwrap();
    deployment.database = backup;
    deployment.restart().await;
    assert_eq!(kind(deployment.round_key(round.document().round_id).await), ProblemKind::RoundKeyDestroyed);
    assert_eq!(kind(deployment.propose(round.document()).await), ProblemKind::RoundRefused);
    assert_eq!(kind(deployment.release_over(&round, &members[..]).await), ProblemKind::NotFound);
}

#[tokio::test]
async fn p5_a_crash_before_the_answer_is_durable_leaves_one_set_possible() {
    let mut deployment = Deployment::lenient().await;
    let (round, members) = deployment.attested(4).await;
    let chosen = deployment.request(&round, &members[..3].iter().collect::<Vec<_>>());
    deployment.vault.commit(&round.vault_name(), chosen.root).unwrap();
    deployment.restart().await;
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::ReleaseConflict);
    let answer = deployment.release(&round, &chosen).await.unwrap();
    assert_eq!(deployment.release(&round, &chosen).await.unwrap(), answer);
}

/// Restores the key, as if the combiner had been killed just before it destroyed the key.
async fn undo_destruction(deployment: &Deployment, round: &Round, secret: &[u8]) {
    deployment.vault.create(&round.vault_name(), secret).unwrap();
    let mut connection: PgConnection = deployment.connect().await;
    sqlx::query("SET session_replication_role = replica").execute(&mut connection).await.unwrap();
    let deleted = sqlx::query("DELETE FROM destroyed_keys").execute(&mut connection).await.unwrap();
    assert_eq!(deleted.rows_affected(), 1);
}

#[tokio::test]
async fn p5_a_crash_before_the_key_is_destroyed_is_made_good_at_the_next_start() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let secret = deployment.vault.load(&round.vault_name()).unwrap().unwrap();
    let answer = deployment.release_over(&round, &members).await.unwrap();
    undo_destruction(&deployment, &round, &secret).await;
    deployment.restart().await;
    assert!(!deployment.vault.exists(&round.vault_name()).unwrap());
    assert!(deployment.view(&round).await.unwrap().key_destroyed_at_ms.is_some());
    assert_eq!(deployment.release_over(&round, &members).await.unwrap(), answer);
}

#[tokio::test]
async fn p5_a_crash_before_the_key_is_destroyed_is_made_good_when_the_answer_is_repeated() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let secret = deployment.vault.load(&round.vault_name()).unwrap().unwrap();
    let answer = deployment.release_over(&round, &members).await.unwrap();
    undo_destruction(&deployment, &round, &secret).await;
    assert_eq!(deployment.release_over(&round, &members).await.unwrap(), answer);
    assert!(!deployment.vault.exists(&round.vault_name()).unwrap());
    assert!(deployment.view(&round).await.unwrap().key_destroyed_at_ms.is_some());
}

#[tokio::test]
async fn p5_an_abandoned_round_whose_key_is_left_loses_it_at_the_next_start() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let secret = deployment.vault.load(&round.vault_name()).unwrap().unwrap();
    deployment.abandon(&round).await.unwrap();
    undo_destruction(&deployment, &round, &secret).await;
    deployment.restart().await;
    assert!(!deployment.vault.exists(&round.vault_name()).unwrap());
}

#[tokio::test]
async fn a_restart_keeps_open_rounds_open() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    deployment.restart().await;
    deployment.release_over(&round, &members).await.unwrap();
}

/// Replaces the key of a round in the vault, as a failing disk or a half-done destruction may.
fn replace_key(deployment: &Deployment, round_id: RoundId, secret: &[u8]) {
    deployment.vault.destroy(&round_id.to_string()).unwrap();
    deployment.vault.create(&round_id.to_string(), secret).unwrap();
}

#[tokio::test]
async fn p1_a_key_in_the_vault_that_is_not_the_recorded_one_is_used_for_nothing() {
    let mut deployment = Deployment::new().await;
    let draft = deployment.draft(|_| {}).await;
    let (round, members) = deployment.attested(3).await;
    let late = deployment.contribution(&round, "late");
    for round_id in [draft.round_id, round.document().round_id] {
        let secret = deployment.vault.load(&round_id.to_string()).unwrap().unwrap();
        let mut other = secret.to_vec();
        other[30] ^= 1;
        for wrong in [vec![0; secret.len()], other] {
            replace_key(&deployment, round_id, &wrong);
            assert_eq!(kind(deployment.round_key(round_id).await), ProblemKind::Internal);
            if round_id == draft.round_id {
                assert_eq!(kind(deployment.propose(&draft).await), ProblemKind::Internal);
            } else {
                let attested = deployment.attest(&round, std::slice::from_ref(&late)).await;
                assert_eq!(kind(attested), ProblemKind::Internal);
                assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::Internal);
            }
        }
        replace_key(&deployment, round_id, &secret);
    }
    deployment.propose(&draft).await.unwrap();
    deployment.release_over(&round, &members).await.unwrap();
}
