//! Tests of rounds that end without a release.

use api::{
    HexBytes, ProblemKind,
    combiner::{CombinerRoundState, CombinerRoundView},
};
use protocol::{Canonical, Unreleased};

use crate::deployment::{Deployment, kind};

#[tokio::test]
async fn p1_an_abandoned_round_is_never_released() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let view = deployment.abandon(&round).await.unwrap();
    assert_eq!(view.state, CombinerRoundState::Abandoned);
    assert!(view.key_destroyed_at_ms.is_some());
    assert!(!deployment.vault.exists(&round.vault_name()).unwrap());
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::RoundKeyDestroyed);
    let late = deployment.contribution(&round, "late");
    assert_eq!(kind(deployment.attest(&round, &[late]).await), ProblemKind::RoundKeyDestroyed);
    assert_eq!(kind(deployment.round_key(round.document().round_id).await), ProblemKind::RoundKeyDestroyed);
}

fn stated(view: &CombinerRoundView) -> Option<Unreleased> {
    view.unreleased.as_ref().map(|HexBytes(bytes)| Unreleased::from_bytes(bytes).unwrap())
}

#[tokio::test]
async fn p1_only_a_round_that_ended_without_a_release_is_stated_to_be_unreleased() {
    let mut deployment = Deployment::new().await;
    let (released, members) = deployment.attested(3).await;
    assert_eq!(stated(&deployment.view(&released).await.unwrap()), None, "it is open");
    deployment.release_over(&released, &members).await.unwrap();
    assert_eq!(stated(&deployment.view(&released).await.unwrap()), None, "it was released");

    let round = deployment.round().await;
    let view = deployment.abandon(&round).await.unwrap();
    stated(&view).unwrap().check(&round.verified, 1).unwrap();
    assert_eq!(stated(&deployment.view(&round).await.unwrap()), stated(&view));
}

/// The combiner was killed after it bound the set, and the round was abandoned. Nobody knows
/// whether an answer was sent.
#[tokio::test]
async fn p1_a_round_whose_key_was_bound_to_a_set_is_never_stated_to_be_unreleased() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let request = deployment.request(&round, &members.iter().collect::<Vec<_>>());
    deployment.vault.commit(&round.vault_name(), request.root).unwrap();
    assert_eq!(stated(&deployment.abandon(&round).await.unwrap()), None);
}

#[tokio::test]
async fn p1_a_round_whose_key_is_back_in_the_vault_is_not_stated_to_be_unreleased_until_it_is_gone() {
    let mut deployment = Deployment::new().await;
    let (round, _) = deployment.attested(3).await;
    let secret = deployment.vault.load(&round.vault_name()).unwrap().unwrap();
    deployment.abandon(&round).await.unwrap();
    deployment.vault.create(&round.vault_name(), &secret).unwrap();
    assert_eq!(stated(&deployment.view(&round).await.unwrap()), None);
    stated(&deployment.abandon(&round).await.unwrap()).unwrap().check(&round.verified, 1).unwrap();
}

#[tokio::test]
async fn abandoning_twice_changes_nothing() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let first = deployment.abandon(&round).await.unwrap();
    let second = deployment.abandon(&round).await.unwrap();
    assert_eq!(first.key_destroyed_at_ms, second.key_destroyed_at_ms);
    assert_eq!(second.state, CombinerRoundState::Abandoned);
}

#[tokio::test]
async fn p5_a_released_round_is_not_abandoned() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let answer = deployment.release_over(&round, &members).await.unwrap();
    assert_eq!(kind(deployment.abandon(&round).await), ProblemKind::RoundState);
    assert_eq!(deployment.release_over(&round, &members).await.unwrap(), answer);
}

#[tokio::test]
async fn p5_a_round_released_and_abandoned_at_once_is_one_of_the_two() {
    let mut deployment = Deployment::new().await;
    for _ in 0..3 {
        let (round, members) = deployment.attested(3).await;
        let (released, abandoned) =
            tokio::join!(deployment.release_over(&round, &members), deployment.abandon(&round));
        assert_ne!(released.is_ok(), abandoned.is_ok());
        let state = deployment.view(&round).await.unwrap().state;
        let expected =
            if released.is_ok() { CombinerRoundState::Released } else { CombinerRoundState::Abandoned };
        assert_eq!(state, expected);
        assert!(!deployment.vault.exists(&round.vault_name()).unwrap());
    }
}
