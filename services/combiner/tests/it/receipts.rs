//! Tests of receipts: a participant shows that the aggregator took its contribution.

use api::{ProblemKind, combiner::Verdict};
use protocol::{IdentityKey, Receipt, Signature, Signed};

use crate::deployment::{Deployment, kind};

#[tokio::test]
async fn p1_a_set_without_a_participant_that_has_a_receipt_is_not_released() {
    let mut deployment = Deployment::new().await;
    let (round, mut members) = deployment.attested(3).await;
    let hidden = deployment.contribution(&round, "hidden");
    let receipt = deployment.receipt(&round, &hidden);
    for _ in 0..2 {
        deployment.hand_over(&round, &hidden, &receipt).await.unwrap();
    }
    deployment.attest(&round, std::slice::from_ref(&hidden)).await.unwrap();
    let problem = deployment.release_over(&round, &members).await.unwrap_err();
    assert_eq!(problem.kind(), Some(ProblemKind::LeftOut));
    assert!(problem.detail.unwrap().contains("of 4 with weight 4 in all, the set leaves out 1 with"));
    members.push(hidden);
    deployment.release_over(&round, &members).await.unwrap();
    assert_eq!(
        kind(deployment.hand_over(&round, &members[3], &receipt).await),
        ProblemKind::RoundState,
        "the round has ended"
    );
}

#[tokio::test]
async fn p1_a_participant_whose_contribution_nobody_showed_is_missed_because_of_its_receipt() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let hidden = deployment.contribution(&round, "hidden");
    deployment.hand_over(&round, &hidden, &deployment.receipt(&round, &hidden)).await.unwrap();
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::LeftOut);
    assert_eq!(deployment.view(&round).await.unwrap().waiting_for, [hidden.header.hash()]);
}

#[tokio::test]
async fn a_receipt_for_a_member_of_the_set_changes_nothing() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    for member in &members {
        deployment.hand_over(&round, member, &deployment.receipt(&round, member)).await.unwrap();
    }
    deployment.release_over(&round, &members).await.unwrap();
}

#[tokio::test]
async fn p4_three_contributions_of_one_participant_are_one_participant() {
    let mut deployment = Deployment::new().await;
    let (round, mut members) = deployment.attested(3).await;
    for weight in [1, 2] {
        let again =
            deployment.contribution(&round, "participant-0").resigned(|header| header.weight = weight);
        deployment.hand_over(&round, &again, &deployment.receipt(&round, &again)).await.unwrap();
    }
    let problem = deployment.release_over(&round, &members[..0]).await.unwrap_err();
    assert_eq!(problem.kind(), Some(ProblemKind::CohortOutOfBounds));
    let late = deployment.contribution(&round, "late");
    let verdicts = deployment.attest(&round, std::slice::from_ref(&late)).await.unwrap();
    assert!(matches!(verdicts[..], [Verdict::Attested(_)]));
    members.push(late);
    let problem = deployment.release_over(&round, &members[1..]).await.unwrap_err();
    let detail = problem.detail.unwrap();
    assert!(detail.contains("of 4 with weight 5 in all, the set leaves out 1 with weight 2"), "{detail}");
    deployment.release_over(&round, &members).await.unwrap();
}

#[tokio::test]
async fn p4_a_receipt_that_the_aggregator_did_not_sign_for_this_contribution_is_refused() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let other_round = deployment.round().await;
    let hidden = deployment.contribution(&round, "hidden");
    let elsewhere = deployment.contribution(&other_round, "hidden");
    let stranger = IdentityKey::generate(&mut deployment.rng);
    let good = deployment.receipt(&round, &hidden);
    for (receipt, refused) in [
        (good.clone().sign(&stranger), ProblemKind::SignatureRefused),
        (Receipt { signature: Signature::BLANK, ..good.clone() }, ProblemKind::SignatureRefused),
        (Receipt { received_at_ms: 9, ..good.clone() }, ProblemKind::SignatureRefused),
        (deployment.receipt(&round, &members[0]), ProblemKind::DigestMismatch),
        (deployment.receipt(&other_round, &elsewhere), ProblemKind::WrongRound),
        (deployment.receipt(&other_round, &hidden), ProblemKind::WrongRound),
    ] {
        assert_eq!(kind(deployment.hand_over(&round, &hidden, &receipt).await), refused);
    }
    let receipt = deployment.receipt(&round, &elsewhere);
    assert_eq!(kind(deployment.hand_over(&round, &elsewhere, &receipt).await), ProblemKind::WrongRound);
    let heavy = deployment.contribution(&round, "heavy").resigned(|header| header.weight = 11);
    let receipt = deployment.receipt(&round, &heavy);
    assert_eq!(kind(deployment.hand_over(&round, &heavy, &receipt).await), ProblemKind::WeightOutOfRange);
    deployment.release_over(&round, &members).await.unwrap();
}

#[tokio::test]
async fn p4_a_receipt_is_small_and_well_formed() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let long = vec![b' '; (16 << 10) + 1];
    assert_eq!(kind(deployment.hand_over_bytes(&round, long).await), ProblemKind::PayloadTooLarge);
    assert_eq!(kind(deployment.hand_over_bytes(&round, b"{".to_vec()).await), ProblemKind::MalformedRequest);
    let empty = br#"{"header":"","receipt":""}"#.to_vec();
    assert_eq!(kind(deployment.hand_over_bytes(&round, empty).await), ProblemKind::MalformedMessage);
}

#[tokio::test]
async fn p4_receipts_beyond_the_rate_are_refused_while_attesting_and_releasing_go_on() {
    let mut deployment = Deployment::new().await;
    deployment.receipts_per_second = 1;
    deployment.restart().await;
    let round = deployment.round().await;
    let members: Vec<_> =
        ["a", "b", "c"].map(|subject| deployment.contribution(&round, subject)).into_iter().collect();
    let forged = deployment.receipt(&round, &members[0]).sign(&IdentityKey::generate(&mut deployment.rng));
    for _ in 0..50 {
        let reply = deployment.hand_over(&round, &members[0], &forged).await;
        assert_eq!(kind(reply), ProblemKind::SignatureRefused, "strangers do not use up the rate");
    }
    let mut refused = 0;
    for _ in 0..50 {
        let receipt = deployment.receipt(&round, &members[0]);
        match deployment.hand_over(&round, &members[0], &receipt).await {
            Ok(()) => {}
            Err(problem) => {
                assert_eq!((problem.kind(), problem.status), (Some(ProblemKind::TooManyRequests), 429));
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    deployment.attest(&round, &members).await.unwrap();
    deployment.release_over(&round, &members).await.unwrap();
}

#[tokio::test]
async fn p1_a_receipt_beside_the_first_naming_counts_or_is_refused() {
    let mut deployment = Deployment::new().await;
    for _ in 0..4 {
        let (round, members) = deployment.attested(3).await;
        let late = deployment.contribution(&round, "late");
        let receipt = deployment.receipt(&round, &late);
        let (released, handed_over) = tokio::join!(
            deployment.release_over(&round, &members),
            deployment.hand_over(&round, &late, &receipt)
        );
        match handed_over {
            Ok(()) => assert_eq!(kind(released), ProblemKind::LeftOut),
            Err(problem) => {
                assert_eq!(problem.kind(), Some(ProblemKind::RoundState));
                released.unwrap();
            }
        }
    }
}
