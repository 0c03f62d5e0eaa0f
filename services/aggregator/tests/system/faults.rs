//! Tests of faults in other parties, and of crashes that the service survives.

use api::{
    contributions::ContributionState,
    paths,
    rounds::{FailureCode, RoundState, Waiting},
};
use protocol::{Canonical, RefusedFor, SignedRefusal, roles::aggregator::check_refusal};
use testbed::Fault;

use crate::{
    deployment::{Deployment, OpenRound, Settings, eventually},
    participant::{Message, Participant},
};

async fn contributed(deployment: &Deployment, count: usize) -> (OpenRound, Vec<Message>) {
    let round = deployment.open_round().await;
    let messages = contribute(deployment, &round, count).await;
    (round, messages)
}

async fn contribute(deployment: &Deployment, round: &OpenRound, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    for _ in 0..count {
        let participant = Participant::enrolled(deployment, &uuid::Uuid::new_v4().to_string()).await;
        let message = participant.contribute(round, 0.01, 1);
        message.upload(deployment, round).await;
        messages.push(message);
    }
    messages
}

/// Returns the only failure in the database, as the operator reads it.
async fn failure(deployment: &Deployment) -> String {
    let failure = "SELECT failure FROM rounds WHERE state = 'failed'";
    sqlx::query_scalar(failure).fetch_one(&deployment.db).await.unwrap()
}

async fn until_rejected(deployment: &Deployment, round: &OpenRound, message: &Message) -> Option<String> {
    eventually("the contribution to be rejected", async || {
        let view = message.show(deployment, round).await;
        (view.state == ContributionState::Rejected).then_some(view.reason)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_share_is_rejected_and_the_round_still_closes() {
    let deployment = Deployment::start().await;
    let (round, good) = contributed(&deployment, 2).await;
    for (name, holder) in [("for-the-aggregator", 0), ("for-the-combiner", 1)] {
        let participant = Participant::enrolled(&deployment, name).await;
        let bad = participant.spoil_seed(&participant.contribute(&round, 0.01, 1), holder);
        bad.upload(&deployment, &round).await;
        assert_eq!(until_rejected(&deployment, &round, &bad).await.as_deref(), Some("share-refused"));
    }
    // The share opens, but not to its commitment.
    let liar = Participant::enrolled(&deployment, "liar").await;
    let (one, other) = (liar.contribute(&round, 0.01, 1), liar.contribute(&round, 0.01, 1));
    let mut swapped = one.clone();
    swapped.prefix.sealed.0[0] = other.prefix.sealed.0[0];
    let digest = swapped.prefix.sealed.digest();
    let swapped = liar.amend(&swapped, |header| header.sealed_digest = digest);
    swapped.upload(&deployment, &round).await;
    assert_eq!(until_rejected(&deployment, &round, &swapped).await.as_deref(), Some("share-refused"));

    deployment.close(&round).await;
    let published = deployment.reach(&round, RoundState::Published).await;
    assert_eq!((published.progress.included, published.progress.rejected), (2, 3));
    assert_eq!(good[0].show(&deployment, &round).await.state, ContributionState::Included);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rejection_a_participant_may_try_again_within_bounds() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let participant = Participant::enrolled(&deployment, "clumsy").await;
    for _ in 0..2 {
        let bad = participant.spoil_seed(&participant.contribute(&round, 0.01, 1), 0);
        bad.upload(&deployment, &round).await;
        until_rejected(&deployment, &round, &bad).await;
    }
    let third = participant.contribute(&round, 0.01, 1);
    third.put(&deployment, &round).await.refused(api::ProblemKind::AttemptsExhausted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_combiner_that_is_down_delays_and_loses_nothing() {
    let deployment = Deployment::with(Settings { attempts: 1, ..Settings::default() }).await;
    let round = deployment.open_round().await;
    deployment.combiners[0].set(Fault::Down);
    contribute(&deployment, &round, 2).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(deployment.show(&round).await.progress.received, 2);
    deployment.combiners[0].set(Fault::ReleaseDown);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Releasing).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(deployment.show(&round).await.state, RoundState::Releasing);
    deployment.combiners[0].set(Fault::None);
    assert_eq!(deployment.reach(&round, RoundState::Published).await.progress.included, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_round_says_which_combiner_it_waits_for_and_why() {
    let deployment = Deployment::with(Settings { attempts: 1, ..Settings::default() }).await;
    let round = deployment.open_round().await;
    deployment.combiners[0].set(Fault::MissesMany);
    contribute(&deployment, &round, 2).await;
    deployment.close(&round).await;
    let waits = |reason: &str| Some(Waiting { holder: 1, reason: reason.to_owned() });
    let view = deployment.until(&round, |view| view.waiting.is_some()).await;
    assert_eq!((view.state, view.waiting), (RoundState::Releasing, waits("left-out")));
    deployment.combiners[0].set(Fault::ReleaseDown);
    deployment.until(&round, |view| view.waiting == waits("unavailable")).await;
    deployment.combiners[0].set(Fault::None);
    assert_eq!(deployment.reach(&round, RoundState::Published).await.waiting, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_says_in_a_combiners_place_is_never_final() {
    let deployment = Deployment::with(Settings { attempts: 1, ..Settings::default() }).await;
    let pause = async || tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let combiner = &deployment.combiners[0];
    for foreign in [Fault::BehindWrongProxy, Fault::BehindLoginPage, Fault::OtherToken] {
        combiner.set(Fault::None);
        let round = deployment.open_round().await;
        combiner.set(foreign);
        contribute(&deployment, &round, 2).await;
        pause().await;
        assert_eq!(deployment.show(&round).await.progress.received, 2, "{foreign:?}: verification waits");
        combiner.set(Fault::None);
        deployment.until(&round, |view| view.progress.verified == 2).await;
        combiner.set(foreign);
        deployment.close(&round).await;
        deployment.reach(&round, RoundState::Releasing).await;
        pause().await;
        assert_eq!(
            deployment.show(&round).await.state,
            RoundState::Releasing,
            "{foreign:?}: the release waits"
        );
        deployment.cancel(&round).await;
        pause().await;
        assert!(!combiner.has_abandoned(round.verified.hash()));
        combiner.set(Fault::None);
        deployment.until_abandoned(&round).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_verified_in_time_is_excluded() {
    let deployment = Deployment::with(Settings { settle_ms: 300, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, 2).await;
    deployment.until(&round, |view| view.progress.verified == 2).await;
    deployment.combiners[0].set(Fault::Down);
    let late = Participant::enrolled(&deployment, "late").await.contribute(&round, 0.01, 1);
    late.upload(&deployment, &round).await;
    deployment.close(&round).await;
    deployment.until(&round, |view| view.root.is_some()).await;
    let view = late.show(&deployment, &round).await;
    assert_eq!(
        (view.state, view.reason.as_deref()),
        (ContributionState::Excluded, Some("round-closed-first"))
    );
    deployment.combiners[0].set(Fault::None);
    assert_eq!(deployment.reach(&round, RoundState::Published).await.progress.included, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_attestation_is_the_combiners_fault_and_hurts_no_contribution() {
    let deployment = Deployment::with(Settings { attempts: 100, ..Settings::default() }).await;
    deployment.combiners[0].set(Fault::ForgesAttestations);
    let (round, messages) = contributed(&deployment, 2).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(messages[0].show(&deployment, &round).await.state, ContributionState::Received);
    deployment.combiners[0].set(Fault::None);
    deployment.close(&round).await;
    assert_eq!(deployment.reach(&round, RoundState::Published).await.progress.included, 2);
}

/// The holder and the reason of each stored refusal of a contribution, after checking them.
async fn refusals(deployment: &Deployment, round: &OpenRound, message: &Message) -> Vec<(u8, RefusedFor)> {
    let header = &message.prefix.header;
    let stored = "SELECT refusal FROM signed_refusals WHERE contribution_id = $1 ORDER BY holder";
    let stored: Vec<Vec<u8>> = sqlx::query_scalar(stored)
        .bind(header.contribution_id.to_bytes())
        .fetch_all(&deployment.db)
        .await
        .unwrap();
    let checked = stored.iter().map(|bytes| {
        let refusal = SignedRefusal::from_bytes(bytes).unwrap();
        check_refusal(&round.verified, refusal.holder, header, &refusal).unwrap();
        (refusal.holder, refusal.reason)
    });
    checked.collect()
}

async fn reputation_events(deployment: &Deployment) -> i64 {
    let count = "SELECT COUNT(*) FROM reputation_events";
    sqlx::query_scalar(count).fetch_one(&deployment.db).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_refused_share_leaves_the_holders_signature_and_moves_no_reputation() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    for (name, holder) in [("for-the-aggregator", 0), ("for-the-combiner", 1)] {
        let participant = Participant::enrolled(&deployment, name).await;
        let bad = participant.spoil_seed(&participant.contribute(&round, 0.01, 1), holder);
        bad.upload(&deployment, &round).await;
        until_rejected(&deployment, &round, &bad).await;
        let stored = refusals(&deployment, &round, &bad).await;
        assert_eq!(stored, [(u8::try_from(holder).unwrap(), RefusedFor::Share)]);
    }
    assert_eq!(reputation_events(&deployment).await, 0);
    let problems = sqlx::query_scalar("SELECT COUNT(*) FROM record_problems()");
    let problems: i64 = problems.fetch_one(&deployment.db).await.unwrap();
    assert_eq!(problems, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_combiner_that_refuses_honest_participants_signs_it_and_moves_no_reputation() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    deployment.combiners[0].set(Fault::RefusesShares);
    let honest = contribute(&deployment, &round, 2).await;
    for message in &honest {
        // Beside the refusal the combiner says that the proof is bad. That is not signed.
        assert_eq!(until_rejected(&deployment, &round, message).await.as_deref(), Some("share-refused"));
        assert_eq!(refusals(&deployment, &round, message).await, [(1, RefusedFor::Share)]);
    }
    assert_eq!(reputation_events(&deployment).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_refusal_that_is_not_signed_or_not_about_the_contribution_rejects_nobody() {
    for fault in
        [Fault::RefusesUnsigned, Fault::ForgesRefusals, Fault::RefusesOtherSeals, Fault::RefusesByRule]
    {
        let deployment = Deployment::with(Settings { attempts: 100, ..Settings::default() }).await;
        let round = deployment.open_round().await;
        deployment.combiners[0].set(fault);
        let messages = contribute(&deployment, &round, 2).await;
        let asked = async || {
            let hash = messages[1].prefix.header.hash();
            deployment.combiners[0].was_asked_about(round.verified.hash(), &hash).then_some(())
        };
        eventually("the combiner to be asked", asked).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(deployment.show(&round).await.progress.received, 2, "{fault:?}");
        deployment.combiners[0].set(Fault::None);
        deployment.until(&round, |view| view.progress.verified == 2).await;
        assert_eq!(refusals(&deployment, &round, &messages[0]).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_key_sum_is_never_published() {
    let deployment = Deployment::with(Settings { attempts: 2, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, 2).await;
    deployment.combiners[0].set(Fault::LiesAboutSum);
    deployment.close(&round).await;
    let failed = deployment.reach(&round, RoundState::Failed).await;
    assert_eq!(failed.failure, Some(FailureCode::NotReleased.into()));
    assert!(failure(&deployment).await.contains("does not open"));
    assert_eq!(failed.progress.excluded, 2);
    deployment.get(&paths::fill(paths::RESULT_SUM, &[&round.id])).await.refused(api::ProblemKind::NotReady);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_resumes_where_the_work_was() {
    let mut deployment = Deployment::start().await;
    let (round, _) = contributed(&deployment, 3).await;
    deployment.combiners[0].set(Fault::ReleaseDown);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Releasing).await;
    deployment.stop_service().await;
    let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE state = 'leased'")
        .fetch_one(&deployment.db)
        .await
        .unwrap();
    assert_eq!(held, 0, "leases were given back");
    deployment.combiners[0].set(Fault::None);
    deployment.start_service().await;
    assert_eq!(deployment.reach(&round, RoundState::Published).await.progress.included, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_expired_is_taken_over() {
    let mut deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    deployment.combiners[0].set(Fault::Down);
    contribute(&deployment, &round, 2).await;
    deployment.stop_service().await;
    // Put the jobs in the state in which a killed process leaves them.
    let left = sqlx::query(
        "UPDATE jobs SET state = 'leased', lease_token = gen_random_uuid(),
                         lease_expires_at = NOW() + INTERVAL '400 milliseconds'
         WHERE state = 'ready' AND kind = 'verify'",
    );
    assert_eq!(left.execute(&deployment.db).await.unwrap().rows_affected(), 2);
    deployment.combiners[0].set(Fault::None);
    deployment.start_service().await;
    deployment.until(&round, |view| view.progress.verified == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_the_work() {
    let mut deployment = Deployment::start().await;
    deployment.start_service().await;
    let (round, _) = contributed(&deployment, 5).await;
    deployment.close(&round).await;
    assert_eq!(deployment.reach(&round, RoundState::Published).await.progress.included, 5);
    deployment.stop_service().await;
    assert_eq!(deployment.show(&round).await.state, RoundState::Published);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_body_fails_the_round_visibly() {
    let deployment = Deployment::with(Settings { attempts: 2, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, 2).await;
    let body = &deployment.objects(&format!("{}/contributions", round.folder()))[0];
    let length = std::fs::metadata(body).unwrap().len();
    std::fs::File::options().write(true).open(body).unwrap().set_len(length - 1).unwrap();
    deployment.close(&round).await;
    let failed = deployment.reach(&round, RoundState::Failed).await;
    assert_eq!(failed.failure, Some(FailureCode::Internal.into()));
    let words = failure(&deployment).await;
    assert!(words.starts_with("fold failed"), "{words}");
}

/// Changes a bit so that every word of the object stays below the modulus.
fn change(object: &str) {
    let mut bytes = std::fs::read(object).unwrap();
    bytes[0] ^= 1;
    std::fs::write(object, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_changed_after_the_verdict_is_not_added() {
    let deployment = Deployment::with(Settings { attempts: 2, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, 2).await;
    deployment.until(&round, |view| view.progress.verified == 2).await;
    change(&deployment.objects(&format!("{}/contributions", round.folder()))[0]);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Failed).await;
    let words = failure(&deployment).await;
    assert!(words.starts_with("fold failed"), "{words}");
    assert!(words.contains("not the one that was received"), "{words}");
    assert_eq!(deployment.combiners[0].sets_asked_for(round.verified.hash()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_of_chunks_that_the_participant_did_not_sign_are_not_believed() {
    let deployment = Deployment::with(Settings { attempts: 2, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, 2).await;
    deployment.until(&round, |view| view.progress.verified == 2).await;
    let changed = "UPDATE contributions SET chunk_digests = SHA256(chunk_digests)";
    assert_eq!(sqlx::query(changed).execute(&deployment.db).await.unwrap().rows_affected(), 2);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Failed).await;
    let words = failure(&deployment).await;
    assert!(words.contains("not those that were received"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_the_store_changed_is_not_unmasked() {
    let deployment = Deployment::with(Settings { attempts: 100, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, 2).await;
    deployment.combiners[0].set(Fault::ReleaseDown);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Releasing).await;
    let folded = deployment.objects(&round.folder()).into_iter().find(|path| path.contains("/folded/"));
    let folded = folded.unwrap();
    change(&folded);
    deployment.combiners[0].set(Fault::None);
    eventually("the refusal", async || {
        let refused = "SELECT EXISTS (SELECT FROM jobs WHERE kind = 'unmask' AND last_error LIKE '%not the one that was written%')";
        sqlx::query_scalar(refused).fetch_one(&deployment.db).await.unwrap_or(false).then_some(())
    })
    .await;
    change(&folded);
    deployment.reach(&round, RoundState::Published).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_names_no_host_and_no_path_to_the_public() {
    let deployment = Deployment::with(Settings { attempts: 2, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, 2).await;
    let body = &deployment.objects(&format!("{}/contributions", round.folder()))[0];
    std::fs::remove_file(body).unwrap();
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Failed).await;
    assert!(failure(&deployment).await.contains(body), "the operator finds the path");
    let list = deployment.get(paths::ROUNDS).await.text();
    let shown = deployment.get(&paths::fill(paths::ROUND, &[&round.id])).await.text();
    for public in [list, shown] {
        assert!(!public.contains("/contributions/") && !public.contains("No such file"), "{public}");
        assert!(public.contains(r#""failure":{"code":"internal","title":"#), "{public}");
    }
}
