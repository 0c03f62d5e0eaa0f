//! Tests of releasing: which sums of key shares a combiner gives away, and how often.

use api::{ProblemKind, combiner::CombinerRoundState};
use protocol::{
    Canonical, ContributionHeader, IdentityKey, ReleaseAnswer, ReleaseRequest, Signature, Signed,
    VerifiedRound, roles::aggregator::check_answer,
};
use testbed::Envelope;

use crate::deployment::{Deployment, Round, kind};

#[tokio::test]
async fn the_answer_opens_the_sum_of_the_commitments() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(4).await;
    let request = deployment.request(&round, &members.iter().collect::<Vec<_>>());
    let answer = deployment.release(&round, &request).await.unwrap();
    let answer = ReleaseAnswer::from_bytes(&answer).unwrap();
    let headers: Vec<ContributionHeader> = members.into_iter().map(|member| member.header).collect();
    check_answer(&round.verified, &headers, &answer).unwrap();
    let view = deployment.view(&round).await.unwrap();
    assert_eq!(view.state, CombinerRoundState::Released);
    assert_eq!(view.root.unwrap(), request.root);
    assert!(view.key_destroyed_at_ms.is_some());
}

#[tokio::test]
async fn p1_a_set_smaller_than_the_minimum_is_refused() {
    let mut deployment = Deployment::lenient().await;
    let (round, members) = deployment.attested(4).await;
    assert_eq!(kind(deployment.release_over(&round, &members[..2]).await), ProblemKind::CohortOutOfBounds);
    assert_eq!(kind(deployment.release_over(&round, &[]).await), ProblemKind::CohortOutOfBounds);
    deployment.release_over(&round, &members[..3]).await.unwrap();
}

#[tokio::test]
async fn p1_a_set_larger_than_the_maximum_is_refused() {
    let mut deployment = Deployment::lenient().await;
    let (round, members) = deployment.attested(7).await;
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::CohortOutOfBounds);
    deployment.release_over(&round, &members[1..]).await.unwrap();
}

#[tokio::test]
async fn p1_a_second_set_is_refused_for_ever() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(4).await;
    deployment.release_over(&round, &members).await.unwrap();
    assert_eq!(kind(deployment.release_over(&round, &members[1..]).await), ProblemKind::ReleaseConflict);
    deployment.restart().await;
    assert_eq!(kind(deployment.release_over(&round, &members[1..]).await), ProblemKind::ReleaseConflict);
}

#[tokio::test]
async fn p5_the_same_set_gets_the_same_bytes() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let first = deployment.release_over(&round, &members).await.unwrap();
    assert_eq!(deployment.release_over(&round, &members).await.unwrap(), first);
    deployment.restart().await;
    assert_eq!(deployment.release_over(&round, &members).await.unwrap(), first);
}

#[tokio::test]
async fn p1_a_member_that_was_not_attested_is_refused() {
    let mut deployment = Deployment::new().await;
    let (round, mut members) = deployment.attested(3).await;
    members.push(deployment.contribution(&round, "uninvited"));
    let problem = deployment.release_over(&round, &members).await.unwrap_err();
    assert_eq!(problem.kind(), Some(ProblemKind::NotAttested));
    members.pop();
    deployment.release_over(&round, &members).await.unwrap();
}

#[tokio::test]
async fn p1_a_member_that_was_refused_is_refused() {
    let mut deployment = Deployment::new().await;
    let (round, mut members) = deployment.attested(3).await;
    let mut cheat = deployment.contribution(&round, "cheat");
    cheat.header.weight = 2;
    deployment.attest(&round, std::slice::from_ref(&cheat)).await.unwrap();
    members.push(cheat);
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::NotAttested);
}

#[tokio::test]
async fn p1_a_member_attested_in_another_round_is_refused() {
    let mut deployment = Deployment::new().await;
    let (_, mut foreign) = deployment.attested(1).await;
    let (round, mut members) = deployment.attested(3).await;
    members.append(&mut foreign);
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::NotAttested);
}

#[tokio::test]
async fn p5_a_participant_under_two_keys_is_in_a_set_once() {
    let mut deployment = Deployment::new().await;
    let (round, mut members) = deployment.attested(3).await;
    let again = deployment.contribution(&round, "participant-0");
    assert_ne!(again.header.credential.client_key, members[0].header.credential.client_key);
    deployment.attest(&round, std::slice::from_ref(&again)).await.unwrap();
    members.push(again);
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::DuplicateSubject);
    deployment.release_over(&round, &members[1..]).await.unwrap();
}

#[tokio::test]
async fn p1_a_request_that_the_aggregator_did_not_sign_is_refused() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let request = deployment.request(&round, &members.iter().collect::<Vec<_>>());
    let stranger = IdentityKey::generate(&mut deployment.rng);
    for forged in [
        ReleaseRequest { signature: Signature::BLANK, ..request.clone() },
        request.clone().sign(&stranger),
        ReleaseRequest { root: [1; 32].into(), ..request.clone() },
        ReleaseRequest { members: request.members[1..].to_vec(), ..request.clone() },
    ] {
        assert_eq!(kind(deployment.release(&round, &forged).await), ProblemKind::SignatureRefused);
    }
    let answer = deployment.release(&round, &request).await.unwrap();
    let forged = request.clone().sign(&stranger);
    assert_eq!(
        kind(deployment.release(&round, &forged).await),
        ProblemKind::SignatureRefused,
        "nor is it repeated"
    );
    assert_eq!(deployment.release(&round, &request).await.unwrap(), answer);
}

#[tokio::test]
async fn p1_a_root_that_is_not_the_members_is_refused() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let good = deployment.request(&round, &members.iter().collect::<Vec<_>>());
    let sign = |request: ReleaseRequest| request.sign(&deployment.aggregator);
    let wrong_root = sign(ReleaseRequest { root: [1; 32].into(), ..good.clone() });
    assert_eq!(kind(deployment.release(&round, &wrong_root).await), ProblemKind::RootMismatch);
    let mut members = good.members.clone();
    members.swap(0, 1);
    let unordered = sign(ReleaseRequest { members, ..good.clone() });
    assert_eq!(kind(deployment.release(&round, &unordered).await), ProblemKind::RootMismatch);
    let mut members = good.members.clone();
    members.push(good.members[2]);
    let repeated = sign(ReleaseRequest { members, ..good.clone() });
    assert_eq!(kind(deployment.release(&round, &repeated).await), ProblemKind::RootMismatch);
}

#[tokio::test]
async fn p1_a_request_for_another_round_is_refused() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let other = deployment.round().await;
    let request = deployment.request(&round, &members.iter().collect::<Vec<_>>());
    assert_eq!(kind(deployment.release(&other, &request).await), ProblemKind::WrongRound);
}

#[tokio::test]
async fn p1_a_round_that_was_not_countersigned_is_unknown() {
    let mut deployment = Deployment::new().await;
    let document = deployment.draft(|_| {}).await;
    let round = Round { verified: VerifiedRound::trusted(document).unwrap() };
    let members: Vec<Envelope> =
        ["a", "b", "c"].map(|subject| deployment.contribution(&round, subject)).into();
    assert_eq!(kind(deployment.attest(&round, &members).await), ProblemKind::NotFound);
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::NotFound);
    assert_eq!(kind(deployment.abandon(&round).await), ProblemKind::NotFound);
    assert_eq!(kind(deployment.view(&round).await), ProblemKind::NotFound);
}

#[tokio::test]
async fn p5_of_two_sets_at_once_one_wins() {
    let mut deployment = Deployment::lenient().await;
    for _ in 0..3 {
        let (round, members) = deployment.attested(4).await;
        let (one, two) = tokio::join!(
            deployment.release_over(&round, &members[..3]),
            deployment.release_over(&round, &members[1..])
        );
        let (won, lost, winner) =
            if one.is_ok() { (one, two, &members[..3]) } else { (two, one, &members[1..]) };
        let refused = kind(lost);
        assert!(
            [ProblemKind::ReleaseConflict, ProblemKind::RoundKeyDestroyed].contains(&refused),
            "{refused:?}"
        );
        assert_eq!(deployment.release_over(&round, winner).await.unwrap(), won.unwrap());
    }
}

#[tokio::test]
async fn p5_one_set_asked_for_twice_at_once_gets_the_same_bytes() {
    let mut deployment = Deployment::new().await;
    for _ in 0..3 {
        let (round, members) = deployment.attested(3).await;
        let (one, two) = tokio::join!(
            deployment.release_over(&round, &members),
            deployment.release_over(&round, &members)
        );
        assert_eq!(one.unwrap(), two.unwrap());
    }
}

#[tokio::test]
async fn p1_the_key_of_a_released_round_is_gone() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    assert!(deployment.vault.exists(&round.vault_name()).unwrap());
    deployment.release_over(&round, &members).await.unwrap();
    assert!(!deployment.vault.exists(&round.vault_name()).unwrap());
    assert_eq!(kind(deployment.round_key(round.document().round_id).await), ProblemKind::RoundKeyDestroyed);
}
