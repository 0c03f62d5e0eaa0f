//! Tests of erasure. After the audit window sealed seeds and proofs are gone. What was recorded
//! about them stays.

use api::{ProblemKind, paths, rounds::RoundState};
use testbed::Fault;

use crate::{
    deployment::{Deployment, eventually},
    participant::Participant,
};

/// Restarts the service with this audit window.
async fn restart_with_window(deployment: &mut Deployment, window_ms: u64) {
    deployment.settings.record.audit_window_ms = Some(window_ms);
    deployment.stop_service().await;
    deployment.start_service().await;
}

/// Waits until the sealed seeds and proofs of the only round are erased.
async fn until_erased(deployment: &Deployment) {
    eventually("the erasure", async || {
        let erased: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM erasures").fetch_one(&deployment.db).await.unwrap();
        (erased == 1).then_some(())
    })
    .await;
    let left = "SELECT COUNT(*) FROM contributions WHERE sealed_seeds <> '' OR proof <> ''";
    let left: i64 = sqlx::query_scalar(left).fetch_one(&deployment.db).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ciphertexts_are_erased_after_the_audit_window_and_the_record_stays_whole() {
    let mut deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let mut messages = Vec::new();
    for name in ["a", "b"] {
        let message = Participant::enrolled(&deployment, name).await.contribute(&round, 0.01, 1);
        message.upload(&deployment, &round).await;
        messages.push(message);
    }
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    let bundle = paths::fill(paths::BUNDLE, &[&round.id]);
    let body = paths::fill(paths::CONTRIBUTION_BODY, &[&round.id, &messages[0].id()]);
    let bodies = format!("{}/contributions", round.folder());
    // Within the window nothing is erased, even when the service restarts.
    eventually("the round's jobs to be done", async || {
        let left = "SELECT COUNT(*) FROM jobs WHERE state IN ('ready', 'leased')";
        let left: i64 = sqlx::query_scalar(left).fetch_one(&deployment.db).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
    restart_with_window(&mut deployment, 3_600_000).await;
    assert_eq!(deployment.get(&bundle).await.status, 200);
    assert_eq!(deployment.get(&body).await.status, 200);

    restart_with_window(&mut deployment, 1).await;
    until_erased(&deployment).await;
    assert_eq!(deployment.objects(&bodies), [""; 0]);
    deployment.get(&bundle).await.refused(ProblemKind::Erased);
    deployment.get(&body).await.refused(ProblemKind::Erased);
    for path in [paths::RESULT, paths::RESULT_SUM, paths::ROUND_DOCUMENT] {
        assert_eq!(deployment.get(&paths::fill(path, &[&round.id])).await.status, 200, "{path}");
    }
    for message in &messages {
        let inclusion = paths::fill(paths::CONTRIBUTION_INCLUSION, &[&round.id, &message.id()]);
        assert_eq!(deployment.get(&inclusion).await.status, 200);
    }
    // The digests of the erased bytes are still there, and the record has no contradiction.
    let digests: i64 = sqlx::query_scalar(
        "SELECT COUNT(DISTINCT key) FROM log_entries
         WHERE table_name = 'contributions' AND payload::JSONB -> 'row' ->> 'sealed_seeds' LIKE 'sha256:%'",
    )
    .fetch_one(&deployment.db)
    .await
    .unwrap();
    assert_eq!(digests, 2);
    deployment.until_sealed().await;
    let mut connection = deployment.db.acquire().await.unwrap();
    let findings = aggregator::record::check(&mut connection, &deployment.pins.aggregator).await.unwrap();
    assert_eq!(findings.contradictions, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_combiner_that_is_gone_for_ever_keeps_no_ciphertexts_alive() {
    let mut deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    for name in ["a", "b"] {
        let message = Participant::enrolled(&deployment, name).await.contribute(&round, 0.01, 1);
        message.upload(&deployment, &round).await;
    }
    deployment.until(&round, |view| view.progress.verified == 2).await;
    deployment.combiners[0].set(Fault::Down);
    assert_eq!(deployment.cancel(&round).await.status, 200);
    let left = async || -> Vec<String> {
        let left = "SELECT kind FROM jobs WHERE state IN ('ready', 'leased')";
        sqlx::query_scalar(left).fetch_all(&deployment.db).await.unwrap()
    };
    eventually("everything but telling the combiner", async || (left().await == ["retire"]).then_some(()))
        .await;
    restart_with_window(&mut deployment, 1).await;
    until_erased(&deployment).await;
    assert!(!deployment.combiners[0].has_abandoned(round.verified.hash()));
    assert_eq!(deployment.objects(&round.folder()), [""; 0]);
    deployment.combiners[0].set(Fault::None);
    deployment.until_abandoned(&round).await;
}
