//! Tests of rounds that demand a proof of the norm.

use api::{
    ProblemKind,
    bundle::Bundle,
    contributions::ContributionState,
    paths,
    rounds::{ProofDemand, RoundState},
};
use norm_proof::PROOF_BYTES;
use protocol::{Proof, proof_digest};
use testbed::Fault;

use crate::{
    deployment::{Deployment, OpenRound, eventually},
    participant::{Message, Participant},
};

async fn demanding() -> (Deployment, OpenRound) {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    plan.proof = ProofDemand::NormV2;
    let round = deployment.open_planned(&plan).await;
    (deployment, round)
}

/// Returns the contribution with another proof and a newly signed header.
pub(crate) fn with_proof(participant: &Participant, message: &Message, proof: &[u8]) -> Message {
    let mut changed = participant.amend(message, |header| {
        header.proof_bytes = proof.len() as u32;
        header.proof_digest = proof_digest(proof);
    });
    changed.prefix.proof = proof.to_vec();
    changed
}

#[tokio::test(flavor = "multi_thread")]
async fn only_proved_contributions_are_summed_and_the_bundle_carries_their_proofs() {
    let (deployment, round) = demanding().await;
    let mut proofs = Vec::new();
    for (subject, value) in [("alice", 0.01), ("bob", -0.02), ("carol", 0.02)] {
        let message = Participant::enrolled(&deployment, subject).await.contribute(&round, value, 1);
        message.upload(&deployment, &round).await;
        proofs.push(message.prefix.proof.clone());
    }
    let mallory = Participant::enrolled(&deployment, "mallory").await;
    let copied = with_proof(&mallory, &mallory.contribute(&round, 0.5, 1), &proofs[0]);
    copied.upload(&deployment, &round).await;

    deployment.until(&round, |view| view.progress.received == 0).await;
    let rejected = copied.show(&deployment, &round).await;
    assert_eq!(
        (rejected.state, rejected.reason.as_deref()),
        (ContributionState::Rejected, Some("proof-refused"))
    );

    deployment.close(&round).await;
    let published = deployment.reach(&round, RoundState::Published).await;
    assert_eq!((published.progress.included, published.progress.rejected), (3, 1));
    let bundle: Bundle = deployment.get(&paths::fill(paths::BUNDLE, &[&round.id])).await.json();
    let mut published: Vec<_> = bundle.members.into_iter().map(|member| member.proof.0).collect();
    published.sort();
    proofs.sort();
    assert_eq!(published, proofs);
    let times = proof_times(&deployment).await;
    assert!(times.len() == 4 && times.iter().all(|time| time.is_some_and(|us| us > 0)), "{times:?}");
}

/// Reads the time that each proof took, as the record says.
async fn proof_times(deployment: &Deployment) -> Vec<Option<i64>> {
    sqlx::query_scalar("SELECT proof_time_us FROM contributions ORDER BY contribution_id")
        .fetch_all(&deployment.db)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_combiner_that_misses_a_cheat_is_shown_its_proof_and_releases() {
    let (deployment, round) = demanding().await;
    deployment.combiners[0].set(Fault::MissesUnproved);
    let mut proofs = Vec::new();
    for (subject, value) in [("alice", 0.01), ("bob", -0.02)] {
        let message = Participant::enrolled(&deployment, subject).await.contribute(&round, value, 1);
        message.upload(&deployment, &round).await;
        proofs.push(message.prefix.proof.clone());
    }
    let mallory = Participant::enrolled(&deployment, "mallory").await;
    let copied = with_proof(&mallory, &mallory.contribute(&round, 0.5, 1), &proofs[0]);
    copied.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.received == 0).await;
    deployment.close(&round).await;
    let published = deployment.reach(&round, RoundState::Published).await;
    assert_eq!((published.progress.included, published.progress.rejected), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contribution_without_its_proof_is_refused_when_it_is_uploaded() {
    let (deployment, round) = demanding().await;
    let alice = Participant::enrolled(&deployment, "alice").await;
    let message = alice.contribute(&round, 0.01, 1);
    assert_eq!(message.prefix.proof.len(), PROOF_BYTES);
    let bare = with_proof(&alice, &message, &[]);
    bare.put(&deployment, &round).await.refused(ProblemKind::ProofMissing);
    let mut unlike = with_proof(&alice, &message, &[]);
    unlike = alice.amend(&unlike, |header| header.proof = Proof::None);
    unlike.put(&deployment, &round).await.refused(ProblemKind::ProofMissing);
    let short = with_proof(&alice, &message, &message.prefix.proof[1..]);
    short.put(&deployment, &round).await.refused(ProblemKind::ProofMissing);
    message.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.verified == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_is_no_proof_is_rejected_and_the_participant_may_try_again() {
    let (deployment, round) = demanding().await;
    let alice = Participant::enrolled(&deployment, "alice").await;
    let message = alice.contribute(&round, 0.01, 1);
    let zeros = with_proof(&alice, &message, &[0; PROOF_BYTES]);
    zeros.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1).await;
    let again = alice.contribute(&round, 0.01, 1);
    again.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.verified == 1).await;
}

/// A combiner is not asked about a contribution before its proof is found good.
#[tokio::test(flavor = "multi_thread")]
async fn no_combiner_is_asked_about_a_contribution_whose_proof_is_bad() {
    let (deployment, round) = demanding().await;
    let alice = Participant::enrolled(&deployment, "alice").await;
    let message = alice.contribute(&round, 0.01, 1);
    let zeros = with_proof(&alice, &message, &[0; PROOF_BYTES]);
    zeros.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1).await;
    let good = alice.contribute(&round, 0.01, 1);
    good.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.verified == 1).await;
    for combiner in &deployment.combiners {
        let asked = |message: &Message| {
            combiner.was_asked_about(round.verified.hash(), &message.prefix.header.hash())
        };
        assert!(asked(&good) && !asked(&zeros));
    }
}

/// The bodies are removed once the proofs are verified, so nobody could verify them again.
#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_verified_once_while_a_combiner_is_away_and_the_service_starts_again() {
    let (mut deployment, round) = demanding().await;
    deployment.combiners[0].set(Fault::Down);
    for subject in ["alice", "bob"] {
        let message = Participant::enrolled(&deployment, subject).await.contribute(&round, 0.01, 1);
        message.upload(&deployment, &round).await;
    }
    until_proved(&deployment).await;
    let times = proof_times(&deployment).await;
    for body in deployment.objects(&round.folder()) {
        std::fs::remove_file(body).unwrap();
    }
    // The job is tried again several times.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    deployment.stop_service().await;
    deployment.start_service().await;
    assert_eq!(deployment.show(&round).await.progress.received, 2);
    deployment.combiners[0].set(Fault::None);
    deployment.until(&round, |view| view.progress.verified == 2).await;
    assert_eq!(proof_times(&deployment).await, times);
}

/// Waits until the record says that every proof is good.
async fn until_proved(deployment: &Deployment) {
    eventually("the proofs to be verified", async || {
        proof_times(deployment).await.iter().all(Option::is_some).then_some(())
    })
    .await;
}

/// The object store has lost a body. Its job is tried alone until it is given up, and holds up no
/// other job.
#[tokio::test(flavor = "multi_thread")]
async fn a_contribution_that_cannot_be_verified_holds_up_nobody_else() {
    let (deployment, round) = demanding().await;
    deployment.combiners[0].set(Fault::Down);
    let mut messages = Vec::new();
    for subject in ["alice", "bob", "carol"] {
        let message = Participant::enrolled(&deployment, subject).await.contribute(&round, 0.01, 1);
        message.upload(&deployment, &round).await;
        messages.push(message);
    }
    let lost = hex::encode(messages[0].prefix.header.contribution_id);
    let location: String = sqlx::query_scalar(
        "SELECT body_object_name FROM contributions WHERE encode(contribution_id, 'hex') = $1",
    )
    .bind(&lost)
    .fetch_one(&deployment.db)
    .await
    .unwrap();
    let body = deployment.objects("rounds").into_iter().find(|path| path.ends_with(&location)).unwrap();
    until_proved(&deployment).await;
    std::fs::remove_file(body).unwrap();
    // As if the service had ended before it recorded the verdict.
    sqlx::query("UPDATE contributions SET proof_time_us = NULL WHERE encode(contribution_id, 'hex') = $1")
        .bind(&lost)
        .execute(&deployment.db)
        .await
        .unwrap();
    deployment.combiners[0].set(Fault::None);

    deployment.until(&round, |view| view.progress.verified == 2).await;
    assert_eq!(messages[0].show(&deployment, &round).await.state, ContributionState::Received);
    eventually("the job to be given up", async || {
        let state = sqlx::query_scalar("SELECT state FROM jobs WHERE kind = 'verify' AND key = $1");
        let state: String = state.bind(&lost).fetch_one(&deployment.db).await.unwrap();
        (state == "failed").then_some(())
    })
    .await;
    deployment.close(&round).await;
    let published = deployment.reach(&round, RoundState::Published).await;
    assert_eq!((published.progress.included, published.progress.excluded), (2, 1));
}

/// Anybody can verify a refused proof again, because its body is kept.
#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_refused_proof_is_kept() {
    let (deployment, round) = demanding().await;
    let cheat = Participant::enrolled(&deployment, "cheat").await;
    let zeros = with_proof(&cheat, &cheat.contribute(&round, 0.01, 1), &[0; PROOF_BYTES]);
    zeros.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1).await;
    for subject in ["alice", "bob"] {
        let message = Participant::enrolled(&deployment, subject).await.contribute(&round, 0.01, 1);
        message.upload(&deployment, &round).await;
    }
    deployment.until(&round, |view| view.progress.verified == 2).await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    deployment.until_no_keys().await;
    // The sum, two bodies in it and the refused one.
    eventually("objects to be removed", async || {
        (deployment.objects(&round.folder()).len() == 4).then_some(())
    })
    .await;
    let path = paths::fill(paths::CONTRIBUTION_BODY, &[&round.id, &zeros.id()]);
    assert_eq!(deployment.get(&path).await.bytes, zeros.body);
}
