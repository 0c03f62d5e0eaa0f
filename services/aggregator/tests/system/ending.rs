//! Tests of rounds that the operator ends after their set is fixed, because they cannot go on.

use api::{
    HexBytes, ProblemKind,
    contributions::ContributionState,
    paths,
    rounds::{FailureCode, RoundState},
};
use protocol::{Canonical, Unreleased, check_unreleased};
use testbed::Fault;

use crate::{
    deployment::{Deployment, OpenRound, Settings, eventually},
    participant::{Message, Participant},
};

async fn contributed(deployment: &Deployment) -> (OpenRound, Vec<Message>) {
    let round = deployment.open_round().await;
    let mut messages = Vec::new();
    for name in ["a", "b"] {
        let participant = Participant::enrolled(deployment, name).await;
        let message = participant.contribute(&round, 0.01, 1);
        message.upload(deployment, &round).await;
        messages.push(message);
    }
    deployment.until(&round, |view| view.progress.verified == 2).await;
    (round, messages)
}

/// Checks that the round has failed for good, that nothing was released and that no contribution is
/// included.
async fn has_failed(deployment: &Deployment, round: &OpenRound, messages: &[Message]) {
    let view = deployment.show(round).await;
    assert_eq!((view.state, view.failure), (RoundState::Failed, Some(FailureCode::EndedByOperator.into())));
    for message in messages {
        let view = message.show(deployment, round).await;
        assert_eq!((view.state, view.reason.as_deref()), (ContributionState::Excluded, Some("round-ended")));
    }
    for path in [paths::RESULT, paths::RESULT_SUM, paths::BUNDLE] {
        deployment.get(&paths::fill(path, &[&round.id])).await.refused(ProblemKind::NotReady);
    }
    let close = deployment.post(&paths::fill(paths::ROUND_CLOSE, &[&round.id]), &()).await;
    close.refused(ProblemKind::RoundState);
    let again = deployment.cancel(round).await;
    assert_eq!((again.status, again.json::<api::rounds::RoundView>().state), (200, RoundState::Failed));
}

async fn answers(deployment: &Deployment) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM release_answers").fetch_one(&deployment.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_round_whose_combiner_never_answers_is_ended_for_good_and_the_combiner_told_when_it_is_back() {
    let deployment = Deployment::start().await;
    let (round, messages) = contributed(&deployment).await;
    deployment.combiners[0].set(Fault::ReleaseDown);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Releasing).await;
    eventually("the combiner to be asked", async || {
        (deployment.combiners[0].sets_asked_for(round.verified.hash()) == 1).then_some(())
    })
    .await;
    deployment.combiners[0].set(Fault::Down);
    assert_eq!(deployment.cancel(&round).await.json::<api::rounds::RoundView>().state, RoundState::Failed);
    deployment.until_no_keys().await;
    has_failed(&deployment, &round, &messages).await;

    deployment.combiners[0].set(Fault::None);
    deployment.until_abandoned(&round).await;
    has_failed(&deployment, &round, &messages).await;
    assert_eq!(answers(&deployment).await, 0);
    assert_eq!(deployment.combiners[0].sets_asked_for(round.verified.hash()), 1);
    assert!(!deployment.combiners[0].has_released(round.verified.hash()));
    deployment.open_round().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_p5_an_answer_that_comes_after_the_end_is_ignored() {
    let deployment = Deployment::start().await;
    let (round, messages) = contributed(&deployment).await;
    deployment.combiners[0].set(Fault::ReleaseLate);
    deployment.close(&round).await;
    let released = async || deployment.combiners[0].has_released(round.verified.hash()).then_some(());
    eventually("the combiner to release", released).await;
    assert_eq!(deployment.cancel(&round).await.json::<api::rounds::RoundView>().state, RoundState::Failed);
    deployment.until_no_keys().await;
    deployment.combiners[0].set(Fault::None);
    deployment.until_retired(&round).await;
    has_failed(&deployment, &round, &messages).await;
    assert_eq!(answers(&deployment).await, 0);
    assert_eq!(deployment.combiners[0].sets_asked_for(round.verified.hash()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_of_two_combiners_one_may_have_released_and_the_other_never_will() {
    let deployment = Deployment::with(Settings { combiners: 2, ..Settings::default() }).await;
    let (round, messages) = contributed(&deployment).await;
    let hash = round.verified.hash();
    deployment.combiners[1].set(Fault::ReleaseDown);
    deployment.close(&round).await;
    eventually("one to release", async || deployment.combiners[0].has_released(hash).then_some(())).await;
    deployment.cancel(&round).await;
    eventually("the other to be told", async || deployment.combiners[1].has_abandoned(hash).then_some(()))
        .await;
    deployment.combiners[1].set(Fault::None);
    deployment.until_retired(&round).await;
    has_failed(&deployment, &round, &messages).await;
    assert!(!deployment.combiners[1].has_released(hash));
    assert_eq!((answers(&deployment).await, deployment.combiners[0].sets_asked_for(hash)), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_whose_bodies_cannot_be_added_is_ended_before_anything_is_asked_for() {
    let deployment = Deployment::with(Settings { attempts: 100, ..Settings::default() }).await;
    let (round, messages) = contributed(&deployment).await;
    let body = &deployment.objects(&format!("{}/contributions", round.folder()))[0];
    std::fs::remove_file(body).unwrap();
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Folding).await;
    assert_eq!(deployment.cancel(&round).await.json::<api::rounds::RoundView>().state, RoundState::Failed);
    deployment.until_abandoned(&round).await;
    has_failed(&deployment, &round, &messages).await;
    assert_eq!(deployment.combiners[0].sets_asked_for(round.verified.hash()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_cannot_be_unmasked_is_ended_and_leaves_no_objects() {
    let deployment = Deployment::with(Settings { attempts: 100, ..Settings::default() }).await;
    let (round, messages) = contributed(&deployment).await;
    deployment.combiners[0].set(Fault::ReleaseDown);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Releasing).await;
    let folded = deployment.objects(&round.folder()).into_iter().filter(|path| path.contains("/folded/"));
    folded.for_each(|path| std::fs::remove_file(path).unwrap());
    deployment.combiners[0].set(Fault::None);
    deployment.reach(&round, RoundState::Unmasking).await;
    assert_eq!(deployment.cancel(&round).await.json::<api::rounds::RoundView>().state, RoundState::Failed);
    deployment.until_retired(&round).await;
    has_failed(&deployment, &round, &messages).await;
    assert_eq!(answers(&deployment).await, 2, "one set, released once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_combiners_statements_that_nothing_was_released_are_shown() {
    let deployment = Deployment::with(Settings { combiners: 2, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment).await;
    assert!(deployment.show(&round).await.unreleased.is_empty());
    deployment.cancel(&round).await;
    deployment.until_abandoned(&round).await;
    let statements: Vec<_> = deployment.show(&round).await.unreleased;
    let statements: Vec<_> =
        statements.iter().map(|HexBytes(bytes)| Unreleased::from_bytes(bytes).unwrap()).collect();
    check_unreleased(&round.verified, &statements).unwrap();
}

/// The combiner is asked again until its statement is right.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_the_combiner_did_not_sign_is_not_shown() {
    let deployment = Deployment::start().await;
    let (round, _) = contributed(&deployment).await;
    deployment.combiners[0].set(Fault::ForgesStatements);
    deployment.cancel(&round).await;
    let told = async || deployment.combiners[0].has_abandoned(round.verified.hash()).then_some(());
    eventually("the combiner to be told", told).await;
    assert!(deployment.show(&round).await.unreleased.is_empty());
    deployment.combiners[0].set(Fault::None);
    deployment.until_abandoned(&round).await;
    assert_eq!(deployment.show(&round).await.unreleased.len(), 1);
}
