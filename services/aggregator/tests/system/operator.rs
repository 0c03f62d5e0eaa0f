//! Tests of the operator's requests, and of what participants see of them.

use std::time::Duration;

use api::{
    ProblemKind,
    identity::AggregatorIdentity,
    participants::Participant as ParticipantView,
    paths,
    rounds::{FailureCode, RoundState, RoundView, Tensor},
};
use names::ModelDigest;
use reqwest::Method;
use testbed::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    deployment::{ADMIN_TOKEN, Deployment, EPOCH, now_ms},
    participant::Participant,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_requests_need_the_token() {
    let deployment = Deployment::start().await;
    let plan = serde_json::to_vec(&deployment.plan().await).unwrap();
    let round = deployment.open_round().await;
    let model = paths::fill(paths::MODEL, &[&ModelDigest::from_bytes([0; 32])]);
    let close = paths::fill(paths::ROUND_CLOSE, &[&round.id]);
    let cancel = paths::fill(paths::ROUND_CANCEL, &[&round.id]);
    for token in [None, Some("another token, of some length")] {
        for (method, path) in [
            (Method::PUT, &model),
            (Method::POST, &paths::ROUNDS.to_owned()),
            (Method::POST, &close),
            (Method::POST, &cancel),
        ] {
            let answer = deployment.send(method, path, token, plan.clone(), "application/json").await;
            answer.refused(ProblemKind::Unauthorised);
        }
    }
    assert_eq!(deployment.show(&round).await.state, RoundState::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_stored_under_its_digest_alone() {
    let deployment = Deployment::start().await;
    let bytes = vec![7; 3 << 20];
    let digest = deployment.upload_model(&bytes).await;
    assert_eq!(deployment.upload_model(&bytes).await, digest);
    let path = paths::fill(paths::MODEL, &[&digest]);
    let model = deployment.get(&path).await;
    assert_eq!((model.bytes == bytes, &model.headers["content-length"]), (true, &bytes.len().into()));
    let other = paths::fill(paths::MODEL, &[&ModelDigest::from_bytes([1; 32])]);
    let refused =
        deployment.send(Method::PUT, &other, Some(ADMIN_TOKEN), bytes, "application/octet-stream").await;
    refused.refused(ProblemKind::DigestMismatch);
    deployment.get(&other).await.refused(ProblemKind::NotFound);
    let wrong = vec![8; 3 << 20];
    let refused =
        deployment.send(Method::PUT, &path, Some(ADMIN_TOKEN), wrong, "application/octet-stream").await;
    refused.refused(ProblemKind::DigestMismatch);
    assert_eq!(deployment.objects("models").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_there_is_read_to_its_end_before_the_answer() {
    let deployment = Deployment::start().await;
    let bytes = vec![7; 3 << 20];
    let path = paths::fill(paths::MODEL, &[&deployment.upload_model(&bytes).await]);
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {ADMIN_TOKEN}\r\n\
         content-length: {}\r\n\r\n",
        bytes.len()
    );
    let mut stream = tokio::net::TcpStream::connect(deployment.address()).await.unwrap();
    let (now, later) = bytes.split_at(2 << 20);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(now).await.unwrap();
    let mut answer = vec![0; 12];
    let early = tokio::time::timeout(Duration::from_millis(300), stream.read_exact(&mut answer)).await;
    assert!(early.is_err(), "who still writes need not read: {}", String::from_utf8_lossy(&answer));
    stream.write_all(later).await.unwrap();
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 204");
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_rounds_are_refused_by_field_and_rule() {
    let deployment = Deployment::start().await;
    let plan = deployment.plan().await;
    let refused = async |kind: ProblemKind, field: &str, change: &dyn Fn(&mut api::rounds::CreateRound)| {
        let mut plan = plan.clone();
        change(&mut plan);
        let answer = deployment.post(paths::ROUNDS, &plan).await;
        answer.refused(kind);
        let problem = answer.problem();
        assert_eq!(problem.field.as_deref().unwrap_or(""), field, "{problem:?}");
        assert!(problem.rule.is_some(), "{problem:?}");
    };
    use ProblemKind::{InvalidParameter, RoundRefused};
    refused(InvalidParameter, "model_digest", &|plan| plan.model_digest = [1; 32].into()).await;
    refused(InvalidParameter, "closes_at_ms", &|plan| plan.closes_at_ms = now_ms() - 1).await;
    refused(InvalidParameter, "opens_at_ms", &|plan| plan.opens_at_ms = Some(plan.closes_at_ms + 1)).await;
    refused(InvalidParameter, "earliest_close_ms", &|plan| plan.earliest_close_ms = Some(1)).await;
    refused(InvalidParameter, "tensors[1].shape", &|plan| plan.tensors[1].shape = vec![1; 9]).await;
    refused(InvalidParameter, "tensors[0].name", &|plan| plan.tensors[0].name = "n".repeat(257)).await;
    refused(RoundRefused, "clip", &|plan| plan.clip = 0.0).await;
    refused(RoundRefused, "max_contributions", &|plan| plan.max_contributions = 1 << 21).await;
    refused(RoundRefused, "norm_bound", &|plan| plan.norm_bound = 10).await;
    refused(RoundRefused, "norm_bound", &|plan| plan.weight_max = 1000).await;
    refused(RoundRefused, "max_total_weight", &|plan| plan.max_total_weight = Some(1)).await;
    refused(RoundRefused, "tensors", &|plan| {
        plan.tensors = vec![Tensor { name: "none".into(), shape: vec![0] }];
    })
    .await;
    refused(RoundRefused, "", &|plan| plan.min_cohort = 1).await;
    refused(RoundRefused, "weight_max", &|plan| plan.weight_min = 6).await;
    refused(RoundRefused, "", &|plan| plan.max_attempts = 9).await;
    let rounds = deployment.list::<RoundView>(paths::ROUNDS).await;
    assert_eq!((rounds.items.len(), deployment.keys()), (0, 0));
}

async fn create_under(deployment: &Deployment, plan: &api::rounds::CreateRound, key: &str) -> (u16, String) {
    let request = reqwest::Client::new()
        .post(format!("http://{}{}", deployment.address(), paths::ROUNDS))
        .bearer_auth(ADMIN_TOKEN)
        .header("idempotency-key", key)
        .json(plan);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn round(text: &str) -> RoundView {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_is_created_once_for_a_key() {
    let deployment = Deployment::start().await;
    let plan = deployment.plan().await;
    let create =
        async |plan: &api::rounds::CreateRound, key: &str| create_under(&deployment, plan, key).await;
    let (first, again) = (create(&plan, "nightly").await, create(&plan, "nightly").await);
    assert_eq!((first.0, again.0), (201, 200), "{again:?}");
    assert_eq!(round(&first.1).round_id, round(&again.1).round_id);
    let mut other = plan.clone();
    other.min_cohort = 3;
    let (status, text) = create(&other, "nightly").await;
    assert_eq!((status, text.contains("Idempotency-Key")), (422, true), "{text}");
    deployment.post(paths::ROUNDS, &plan).await.refused(ProblemKind::ModelInUse);
    assert_eq!(deployment.keys(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_creation_sent_many_times_at_once_makes_one_round() {
    let deployment = Deployment::start().await;
    let plan = deployment.plan().await;
    let create = || create_under(&deployment, &plan, "nightly");
    let answers = futures::future::join_all((0..6).map(|_| create())).await;
    let ids: std::collections::HashSet<_> = answers.iter().map(|(_, text)| round(text).round_id).collect();
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!((ids.len(), made, deployment.keys()), (1, 1, 1), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_creation_says_what_became_of_the_round() {
    let deployment = Deployment::start().await;
    let plan = deployment.plan().await;
    deployment.combiners[0].set(Fault::RefusesRounds);
    let first = create_under(&deployment, &plan, "refused").await;
    assert_eq!((first.0, first.1.contains("round-refused")), (422, true), "{first:?}");
    deployment.combiners[0].set(Fault::None);
    let again = create_under(&deployment, &plan, "refused").await;
    assert_eq!((again.0, again.1.contains("round-ended")), (409, true), "{again:?}");

    let opened = create_under(&deployment, &plan, "opened").await;
    let cancel = paths::fill(paths::ROUND_CANCEL, &[&round(&opened.1).round_id]);
    assert_eq!(deployment.post(&cancel, &()).await.status, 200);
    let again = create_under(&deployment, &plan, "opened").await;
    assert_eq!((again.0, round(&again.1).state), (200, RoundState::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_is_not_countersigned_fails_visibly() {
    let deployment = Deployment::start().await;
    let plan = deployment.plan().await;
    deployment.combiners[0].set(Fault::Down);
    deployment.post(paths::ROUNDS, &plan).await.refused(ProblemKind::Unavailable);
    assert_eq!(deployment.list::<RoundView>(paths::ROUNDS).await.items.len(), 0);

    deployment.combiners[0].set(Fault::RefusesRounds);
    deployment.post(paths::ROUNDS, &plan).await.refused(ProblemKind::RoundRefused);
    let rounds = deployment.list::<RoundView>(&format!("{}?state=failed", paths::ROUNDS)).await;
    let [round] = &rounds.items[..] else { panic!("{rounds:?}") };
    assert_eq!(round.failure, Some(FailureCode::NotCountersigned.into()));
    let document = paths::fill(paths::ROUND_DOCUMENT, &[&round.round_id]);
    deployment.get(&document).await.refused(ProblemKind::RoundState);
    deployment.until_no_keys().await;
    deployment.combiners[0].set(Fault::None);
    deployment.open_planned(&plan).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_was_interrupted_is_resumed() {
    let mut deployment = Deployment::start().await;
    let plan = deployment.plan().await;
    deployment.combiners[0].set(Fault::RefusesRounds);
    deployment.post(paths::ROUNDS, &plan).await.refused(ProblemKind::RoundRefused);
    deployment.until_no_keys().await;
    deployment.combiners[0].set(Fault::None);
    let round = deployment.open_planned(&plan).await;
    deployment.stop_service().await;
    // Put the database in the state that a process leaves when it is killed before the
    // countersignatures arrive.
    let interrupted =
        "UPDATE jobs SET state = 'ready', finished_at = NULL, run_at = NOW() WHERE kind = 'prepare'";
    sqlx::raw_sql("ALTER TABLE rounds DISABLE TRIGGER rounds_transition")
        .execute(&deployment.db)
        .await
        .unwrap();
    sqlx::query("UPDATE rounds SET state = 'preparing', opened_at = NULL WHERE round_id = $1")
        .bind(round.id.to_bytes())
        .execute(&deployment.db)
        .await
        .unwrap();
    sqlx::raw_sql("ALTER TABLE rounds ENABLE TRIGGER rounds_transition")
        .execute(&deployment.db)
        .await
        .unwrap();
    sqlx::query(interrupted).execute(&deployment.db).await.unwrap();
    deployment.start_service().await;
    deployment.reach(&round, RoundState::Open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolment_needs_a_credential_and_its_key() {
    let deployment = Deployment::start().await;
    let participant = Participant::enrolled(&deployment, "a").await;
    assert_eq!(participant.enrol(&deployment).await.status, 200);
    let mut thief = Participant::new(&deployment, "x", EPOCH);
    thief.credential = participant.credential.clone();
    thief.enrol(&deployment).await.refused(ProblemKind::SignatureRefused);
    let mut forged = Participant::new(&deployment, "b", EPOCH);
    forged.credential.epoch += 1;
    forged.enrol(&deployment).await.refused(ProblemKind::CredentialRefused);

    let rival = Participant::new(&deployment, "a", EPOCH);
    rival.enrol(&deployment).await.refused(ProblemKind::CredentialRefused);
    let renewed = Participant::new(&deployment, "a", EPOCH + 1);
    let view: ParticipantView = renewed.enrol(&deployment).await.json();
    assert_eq!((view.client_key, view.credential_epoch), (renewed.identity.public(), EPOCH + 1));
    thief.enrol(&deployment).await.refused(ProblemKind::SignatureRefused);
    let rival = Participant::new(&deployment, "a", EPOCH + 1);
    rival.enrol(&deployment).await.refused(ProblemKind::CredentialRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolling_for_the_next_epoch_loses_no_running_round() {
    let deployment = Deployment::start().await;
    let old = ["a", "b"].map(|name| Participant::new(&deployment, name, EPOCH));
    let new = ["a", "b"].map(|name| Participant::new(&deployment, name, EPOCH + 1));
    let round = deployment.open_round().await;
    let mut plan = deployment.plan().await;
    plan.model_digest = deployment.upload_model(b"the model of the next epoch").await;
    plan.credential_epoch = EPOCH + 1;
    let later = deployment.open_planned(&plan).await;
    old[1]
        .contribute(&round, 0.01, 1)
        .put(&deployment, &round)
        .await
        .refused(ProblemKind::UnknownParticipant);
    for participant in old.iter().chain(&new) {
        assert_eq!(participant.enrol(&deployment).await.status, 200);
    }
    // An older credential that is enrolled again is not the newest one.
    let view: ParticipantView = old[0].enrol(&deployment).await.json();
    assert_eq!((view.client_key, view.credential_epoch), (new[0].identity.public(), EPOCH + 1));

    for (round, participants) in [(&later, &new), (&round, &old)] {
        for participant in participants {
            participant.contribute(round, 0.01, 1).upload(&deployment, round).await;
        }
        deployment.until(round, |view| view.progress.verified == 2).await;
    }
    for round in [&round, &later] {
        deployment.close(round).await;
        deployment.reach(round, RoundState::Published).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let deployment = Deployment::start().await;
    for name in ["c", "a", "b"] {
        Participant::enrolled(&deployment, name).await;
    }
    let page = deployment.list::<ParticipantView>("/v1/participants?limit=2").await;
    assert_eq!(page.items.iter().map(|p| p.subject.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let next = format!("/v1/participants?limit=2&after={}", page.next.unwrap());
    let page = deployment.list::<ParticipantView>(&next).await;
    assert_eq!((page.items[0].subject.as_str(), page.next), ("c", None));

    let round = deployment.open_round().await;
    let open = deployment.list::<RoundView>("/v1/rounds?state=open&limit=1").await;
    assert_eq!(open.items[0].round_id, round.id);
    let next = format!("/v1/rounds?state=open&after={}", open.next.unwrap());
    assert!(deployment.list::<RoundView>(&next).await.items.is_empty());
    assert!(deployment.list::<RoundView>("/v1/rounds?state=failed").await.items.is_empty());
    deployment.get("/v1/rounds?limit=0").await.refused(ProblemKind::InvalidParameter);
    deployment.get("/v1/rounds?after=zz").await.refused(ProblemKind::InvalidParameter);
    let view: ParticipantView = deployment.get("/v1/participants/b").await.json();
    assert_eq!(view.credential_epoch, EPOCH);
    deployment.get("/v1/participants/nobody").await.refused(ProblemKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_says_who_it_is_and_how_it_is() {
    let deployment = Deployment::start().await;
    let identity: AggregatorIdentity = deployment.get(paths::IDENTITY).await.json();
    assert_eq!(identity.identity_key, deployment.pins.aggregator);
    assert_eq!(identity.combiner_keys, [deployment.pins.combiners[0]]);
    assert_eq!(deployment.get(paths::HEALTH).await.status, 200);
    assert_eq!(deployment.get(paths::READY).await.status, 200);
    assert_eq!(deployment.get(paths::METRICS).await.status, 200);
}
