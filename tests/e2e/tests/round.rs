//! Tests of a federated round from end to end, with clients that vanish and services that stop and
//! start.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

use api::{contributions::ContributionState, rounds::RoundState};
use client::ClientError;
use e2e::{
    Deployment, Federation,
    deployment::Options,
    federation::{Member, add_quantised},
};
use local::Service;

/// Not a test by itself. The services of the tests below run in it.
#[test]
fn server_process() {
    e2e::server::serve_if_asked();
}

const DIMENSION: u32 = 3000;

#[tokio::test(flavor = "multi_thread")]
async fn p3_the_published_sum_is_the_sum_of_the_included_updates_and_everyone_can_prove_to_be_in_it() {
    let deployment = Deployment::start(Options::default()).await;
    let federation = Federation::new(&deployment, 5);
    federation.enrol().await.unwrap();
    let view = federation.open(DIMENSION, 3, 10).await.unwrap();
    let round = federation.members[0].client.open_round(view.round_id).await.unwrap();
    let (mut expected, mut receipts) = (Vec::new(), Vec::new());
    // The fifth participant fetches the round and vanishes before it uploads.
    for (seed, member) in (0..).zip(&federation.members[..4]) {
        let contribution = member.contribute(&round, seed).await.unwrap();
        add_quantised(&mut expected, &contribution);
        receipts.push(contribution.receipt);
    }
    federation.operator.close_round(view.round_id).await.unwrap();
    federation.wait_for(&view, &[RoundState::Published]).await;
    let client = &federation.members[0].client;
    let sum = client.result_sum(&round).await.unwrap();
    assert_eq!(sum.values, expected);
    assert_eq!(sum.result.count, 4);
    for receipt in &receipts {
        client.inclusion(&round, receipt).await.unwrap();
    }
    let states: Vec<(String, i64)> =
        sqlx::query_as("SELECT state::text, count(*) FROM contributions GROUP BY 1")
            .fetch_all(&deployment.database(Service::Aggregator).await)
            .await
            .unwrap();
    assert_eq!(states, [("included".to_owned(), 4)]);
}

/// Computes on a card through its driver: proofs, the sum and its unmasking. These are all
/// operations that grow with the dimension.
#[cfg(feature = "cuda")]
#[tokio::test(flavor = "multi_thread")]
async fn p3_an_aggregator_with_a_card_publishes_the_same_sum() {
    use api::rounds::ProofDemand;
    use e2e::deployment::Card;

    let deployment = Deployment::start(Options { card: Some(Card::Emulated), ..Options::default() }).await;
    let federation = Federation::new(&deployment, 3);
    federation.enrol().await.unwrap();
    let view = federation.open_demanding(ProofDemand::NormV2, DIMENSION, 3, 10).await.unwrap();
    let round = federation.members[0].client.open_round(view.round_id).await.unwrap();
    let mut expected = Vec::new();
    for (seed, member) in (0..).zip(&federation.members) {
        let contribution = member.contribute(&round, seed).await.unwrap();
        add_quantised(&mut expected, &contribution);
        assert_eq!(federation.wait_until_checked(&view, contribution.id).await, ContributionState::Verified);
    }
    federation.operator.close_round(view.round_id).await.unwrap();
    federation.wait_for(&view, &[RoundState::Published]).await;
    assert_eq!(federation.members[0].client.result_sum(&round).await.unwrap().values, expected);
    let log = deployment.aggregator_log();
    assert!(log.contains(r#"backend="cuda""#) && !log.contains("the card has failed"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_combiner_that_is_down_delays_a_round_and_loses_nothing() {
    let deployment = Deployment::start(Options::default()).await;
    let federation = Federation::new(&deployment, 3);
    federation.enrol().await.unwrap();
    let view = federation.open(DIMENSION, 3, 10).await.unwrap();
    let round = federation.members[0].client.open_round(view.round_id).await.unwrap();
    deployment.process(Service::Combiner).kill();
    let mut expected = Vec::new();
    let mut last = None;
    for (seed, member) in (10..).zip(&federation.members) {
        let contribution = member.contribute(&round, seed).await.expect("an upload needs no combiner");
        add_quantised(&mut expected, &contribution);
        last = Some(contribution.id);
    }
    let status = federation.members[0].client.status(view.round_id, last.unwrap()).await.unwrap();
    assert_eq!(status.state, ContributionState::Received, "nothing is verified without the combiner");
    deployment.restart(Service::Combiner).await;
    assert_eq!(federation.wait_until_checked(&view, last.unwrap()).await, ContributionState::Verified);
    deployment.process(Service::Combiner).kill();
    federation.operator.close_round(view.round_id).await.unwrap();
    let closing = [RoundState::Settling, RoundState::Folding, RoundState::Releasing];
    federation.wait_for(&view, &closing).await;
    deployment.restart(Service::Combiner).await;
    federation.wait_for(&view, &[RoundState::Published]).await;
    assert_eq!(federation.members[0].client.result_sum(&round).await.unwrap().values, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_round_that_waits_for_a_dead_combiner_is_ended_and_stays_ended_when_the_combiner_is_back() {
    let deployment = Deployment::start(Options::default()).await;
    let federation = Federation::new(&deployment, 3);
    federation.enrol().await.unwrap();
    let view = federation.open(DIMENSION, 3, 10).await.unwrap();
    let round = federation.members[0].client.open_round(view.round_id).await.unwrap();
    let mut ids = Vec::new();
    for (seed, member) in (50..).zip(&federation.members) {
        let id = member.contribute(&round, seed).await.unwrap().id;
        assert_eq!(federation.wait_until_checked(&view, id).await, ContributionState::Verified);
        ids.push(id);
    }
    deployment.process(Service::Combiner).kill();
    federation.operator.close_round(view.round_id).await.unwrap();
    federation.wait_for(&view, &[RoundState::Releasing]).await;
    federation.operator.cancel_round(view.round_id).await.unwrap();
    federation.wait_for(&view, &[RoundState::Failed]).await;
    deployment.wait_for_no_key(Service::Aggregator, view.round_id).await;
    deployment.restart(Service::Combiner).await;
    deployment.wait_for_no_key(Service::Combiner, view.round_id).await;
    for id in ids {
        let status = federation.members[0].client.status(view.round_id, id).await.unwrap();
        assert_eq!(
            (status.state, status.reason.as_deref()),
            (ContributionState::Excluded, Some("round-ended"))
        );
    }
    federation.wait_for(&view, &[RoundState::Failed]).await;
    let record: (Option<String>, i64) =
        sqlx::query_as("SELECT outcome, (SELECT count(*) FROM releases) FROM rounds")
            .fetch_one(&deployment.database(Service::Combiner).await)
            .await
            .unwrap();
    assert_eq!(record, (Some("abandoned".to_owned()), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_round_below_min_cohort_fails_visibly_and_its_keys_are_destroyed() {
    let deployment = Deployment::start(Options::default()).await;
    let federation = Federation::new(&deployment, 2);
    federation.enrol().await.unwrap();
    let view = federation.open(DIMENSION, 3, 10).await.unwrap();
    let round = federation.members[0].client.open_round(view.round_id).await.unwrap();
    let mut ids = Vec::new();
    for (seed, member) in (20..).zip(&federation.members) {
        ids.push(member.contribute(&round, seed).await.unwrap().id);
    }
    federation.operator.close_round(view.round_id).await.unwrap();
    let failed = federation.wait_for(&view, &[RoundState::Failed]).await;
    assert!(failed.failure.is_some());
    for id in ids {
        let status = federation.members[0].client.status(view.round_id, id).await.unwrap();
        assert_eq!(status.state, ContributionState::Excluded);
        assert!(status.reason.is_some());
    }
    deployment.wait_for_no_key(Service::Aggregator, view.round_id).await;
    deployment.wait_for_no_key(Service::Combiner, view.round_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_and_a_second_contribution_are_refused_with_their_reasons() {
    let deployment = Deployment::start(Options::default()).await;
    let federation = Federation::new(&deployment, 3);
    federation.enrol().await.unwrap();
    let view = federation.open(DIMENSION, 3, 10).await.unwrap();
    let round = federation.members[0].client.open_round(view.round_id).await.unwrap();
    let stranger = Member::new(&deployment, "stranger");
    let refused = stranger.contribute(&round, 30).await.unwrap_err();
    assert_eq!(refused.problem_kind(), Some(api::ProblemKind::UnknownParticipant));

    let member = &federation.members[0];
    member.contribute(&round, 31).await.unwrap();
    let refused = member.contribute(&round, 32).await.unwrap_err();
    assert_eq!(refused.problem_kind(), Some(api::ProblemKind::AlreadyContributed));

    let counted: Vec<(String, i64)> =
        sqlx::query_as("SELECT reason, count::bigint FROM refusals ORDER BY reason")
            .fetch_all(&deployment.database(Service::Aggregator).await)
            .await
            .unwrap();
    assert_eq!(counted, [("already-contributed".to_owned(), 1), ("unknown-participant".to_owned(), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_an_update_is_not_sent_in_a_second_round() {
    let deployment = Deployment::start(Options::default()).await;
    let federation = Federation::new(&deployment, 1);
    federation.enrol().await.unwrap();
    let member = &federation.members[0];
    for (round, seed) in [(0, 40), (1, 40), (2, 41)] {
        let view = federation.open(DIMENSION, 2, 10).await.unwrap();
        let document = member.client.open_round(view.round_id).await.unwrap();
        let sent = member.contribute(&document, seed).await;
        match round {
            1 => assert!(matches!(sent, Err(ClientError::AlreadySent { .. })), "{sent:?}"),
            _ => drop(sent.unwrap()),
        }
    }
}
