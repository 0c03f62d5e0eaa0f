//! Tests that a new process removes the remains of a dead one.

use std::time::Duration;

use api::rounds::RoundState;

use crate::{
    deployment::{Deployment, eventually},
    participant::Participant,
};

/// The round id of a key that was made this many hours ago, which is its name in the vault.
fn made_hours_ago(hours: u64) -> String {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let then = since_epoch - Duration::from_secs(3_600 * hours);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, then.as_secs(), then.subsec_nanos());
    uuid::Uuid::new_v7(time).simple().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_no_round_will_ever_use_are_destroyed_and_no_others() {
    let mut deployment = Deployment::start().await;
    let cancelled = deployment.open_round().await;
    deployment.cancel(&cancelled).await;
    deployment.until_retired(&cancelled).await;
    let open = deployment.open_round().await;
    let vault = deployment.vault();
    let (old, young) = (made_hours_ago(25), made_hours_ago(23));
    for name in [&old, &young, &cancelled.id.to_string()] {
        vault.create(name, &[7; 48]).unwrap();
    }
    deployment.stop_service().await;
    deployment.start_service().await;
    eventually("the sweep", async || (vault.list().unwrap().len() == 2).then_some(())).await;
    assert!(vault.exists(&young).unwrap() && vault.exists(&open.id.to_string()).unwrap());

    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&open, 0.01, 1).upload(&deployment, &open).await;
    }
    deployment.close(&open).await;
    deployment.reach(&open, RoundState::Published).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_rounds_costs_no_key() {
    let mut deployment = Deployment::start().await;
    let old = made_hours_ago(1_000);
    deployment.vault().create(&old, &[7; 48]).unwrap();
    deployment.stop_service().await;
    deployment.start_service().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(deployment.vault().exists(&old).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_an_upload_is_removed_at_the_next_start_while_others_still_write() {
    let mut deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let message = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    message.upload(&deployment, &round).await;
    let body = deployment.objects(&round.folder()).remove(0);
    for (attempt, hours) in [(1, 3), (2, 1)] {
        let left = std::fs::File::create(format!("{body}#{attempt}")).unwrap();
        left.set_modified(std::time::SystemTime::now() - Duration::from_secs(3_600 * hours)).unwrap();
    }
    deployment.start_service().await;
    let expected = [body.clone(), format!("{body}#2")];
    eventually("the sweep", async || {
        let mut left = deployment.objects(&round.folder());
        left.sort();
        (left == expected).then_some(())
    })
    .await;
}
