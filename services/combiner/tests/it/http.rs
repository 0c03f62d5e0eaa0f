//! Tests of the rules that all routes share.

use api::{Problem, ProblemKind, identity::CombinerIdentity, paths};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use names::RoundHash;

use crate::deployment::{Deployment, TOKEN, json};

fn request(method: Method, path: &str, token: Option<&str>, body: &str) -> Request<Body> {
    let mut request =
        Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn every_route_of_the_services_needs_the_token() {
    let deployment = Deployment::new().await;
    let round = |template| paths::fill(template, &[&RoundHash::from_bytes([0; 32])]);
    for (method, path) in [
        (Method::POST, paths::COMBINER_ROUND_KEYS.to_owned()),
        (Method::POST, paths::COMBINER_ROUNDS.to_owned()),
        (Method::GET, round(paths::COMBINER_ROUND)),
        (Method::POST, round(paths::COMBINER_ATTESTATIONS)),
        (Method::POST, round(paths::COMBINER_RELEASE)),
        (Method::POST, round(paths::COMBINER_ABANDON)),
        (Method::GET, paths::METRICS.to_owned()),
    ] {
        for token in [None, Some("another-token-of-services"), Some("")] {
            let (status, body) = deployment.send(request(method.clone(), &path, token, "{}")).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(json::<Problem>(&body).kind(), Some(ProblemKind::Unauthorised));
        }
    }
}

#[tokio::test]
async fn health_readiness_and_identity_need_no_token() {
    let deployment = Deployment::new().await;
    for path in [paths::HEALTH, paths::READY] {
        assert_eq!(deployment.send(request(Method::GET, path, None, "")).await.0, StatusCode::OK);
    }
    let (_, body) = deployment.send(request(Method::GET, paths::IDENTITY, None, "")).await;
    let identity: CombinerIdentity = json(&body);
    assert_eq!(identity.identity_key, deployment.combiner);
    assert_eq!(identity.registrar_key, deployment.registrar.public());
    assert_eq!((identity.min_cohort_floor, identity.max_contributions_cap), (3, 8));
}

#[tokio::test]
async fn malformed_requests_are_problems_that_name_the_field() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let attestations = paths::fill(paths::COMBINER_ATTESTATIONS, &[&round.hash()]);
    let release = paths::fill(paths::COMBINER_RELEASE, &[&round.hash()]);
    for (path, body, field) in [
        (paths::COMBINER_ROUND_KEYS, r#"{"round_id":"00"}"#, "round_id"),
        (paths::COMBINER_ROUND_KEYS, r#"{"round":"00"}"#, "round"),
        (paths::COMBINER_ROUNDS, r#"{"document":"0"}"#, "document"),
        (paths::COMBINER_ROUNDS, r#"{"document":"00"}"#, "aggregator_signature"),
        (
            &attestations,
            r#"{"contributions":[{"header":"zz","sealed_seeds":""}]}"#,
            "contributions[0].header",
        ),
        (&release, r#"{"request":1}"#, "request"),
        ("/v1/rounds/00/release", r#"{"request":""}"#, "round_hash"),
    ] {
        let (status, answer) = deployment.send(request(Method::POST, path, Some(TOKEN), body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}");
        let problem: Problem = json(&answer);
        assert_eq!(problem.kind(), Some(ProblemKind::MalformedRequest));
        assert_eq!(problem.field.as_deref(), Some(field), "{path} {body}");
        assert!(problem.rule.is_some());
    }
    let (_, answer) =
        deployment.send(request(Method::POST, &release, Some(TOKEN), r#"{"request":"4253"}"#)).await;
    assert_eq!(json::<Problem>(&answer).kind(), Some(ProblemKind::MalformedMessage));
    let long = format!(r#"{{"request":"{}"}}"#, "00".repeat(64 * 8 + 4096));
    let (status, _) = deployment.send(request(Method::POST, &release, Some(TOKEN), &long)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_happens_is_counted() {
    let mut deployment = Deployment::new().await;
    let metrics = async |deployment: &Deployment| {
        let (status, body) = deployment.send(request(Method::GET, paths::METRICS, Some(TOKEN), "")).await;
        assert_eq!(status, StatusCode::OK);
        String::from_utf8(body).unwrap()
    };
    metrics(&deployment).await;
    let (round, members) = deployment.attested(3).await;
    let heavy = deployment.contribution(&round, "heavy").resigned(|header| header.weight = 11);
    deployment.attest(&round, &[heavy]).await.unwrap();
    deployment.release_over(&round, &members).await.unwrap();
    deployment.release_over(&round, &members[1..]).await.unwrap_err();
    let text = metrics(&deployment).await;
    for line in [
        "combiner_rounds_countersigned_total",
        "combiner_contributions_examined_total",
        "combiner_contributions_attested_total",
        "combiner_contributions_refused_total{reason=\"weight-out-of-range\"}",
        "combiner_releases_total",
        "combiner_releases_refused_total{reason=\"release-conflict\"}",
        "combiner_keys_destroyed_total",
        "combiner_examine_batch_seconds_count",
    ] {
        let value = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse::<f64>().ok());
        assert!(value.is_some_and(|value| value >= 1.0), "{line} in\n{text}");
    }
    let view = deployment.view(&round).await.unwrap();
    assert_eq!((view.attested, view.refused), (3, 1));
}
