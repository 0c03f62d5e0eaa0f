//! The requests of the operator, and the token that each must carry.

use api::{
    ProblemKind,
    participants::StateCounts,
    payouts::{Amount, Batch, Token},
    rounds::{ChunkProgress, ProofDemand, RoundState, RoundView},
};
use axum::response::IntoResponse;
use reqwest::Method;
use sha2::{Digest, Sha256};
use testbed::create_round;
use zeroize::Zeroizing;

use super::server::{MODEL, Server, id, json, problem};
use crate::{Operator, OperatorConfig, RetryPolicy};

const TOKEN: &str = "an operator's token";

fn operator(server: &Server) -> Operator {
    let retry = RetryPolicy { first_wait: std::time::Duration::from_millis(10), ..RetryPolicy::default() };
    let config = OperatorConfig::new(&server.url, Zeroizing::new(TOKEN.to_owned()));
    Operator::new(OperatorConfig { retry, ..config }).unwrap()
}

pub(super) fn view() -> RoundView {
    RoundView {
        round_id: id(1),
        round_hash: [0; 32].into(),
        state: RoundState::Preparing,
        dimension: 1,
        min_cohort: 2,
        max_contributions: 2,
        opens_at_ms: 0,
        closes_at_ms: 0,
        proof: ProofDemand::None,
        progress: StateCounts::default(),
        chunks: ChunkProgress::default(),
        root: None,
        waiting: None,
        failure: None,
        unreleased: Vec::new(),
    }
}

#[tokio::test]
async fn a_model_is_put_under_its_digest() {
    let server = Server::start().await;
    server.then(|_| ().into_response());
    let digest = operator(&server).put_model(MODEL).await.unwrap();
    assert_eq!(digest.as_bytes()[..], Sha256::digest(MODEL)[..]);
    let seen = server.seen().remove(0);
    assert_eq!((seen.method, seen.path), (Method::PUT, format!("/v1/models/{digest}")));
    assert_eq!(seen.body, MODEL);
    assert_eq!(seen.headers["authorization"], format!("Bearer {TOKEN}"));
}

#[tokio::test]
async fn a_repeated_creation_has_the_same_idempotency_key_and_another_creation_another() {
    let server = Server::start().await;
    let spec = create_round([1; 32].into(), &[("t", &[1])]);
    server.then(|_| problem(ProblemKind::Unavailable)).then(|_| json(&view())).then(|_| json(&view()));
    let operator = operator(&server);
    assert_eq!(operator.create_round(&spec).await.unwrap().round_id, id(1));
    operator.create_round(&spec).await.unwrap();
    let keys: Vec<_> = server.seen().iter().map(|seen| seen.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
}

#[tokio::test]
async fn closing_and_cancelling_are_the_operators() {
    let server = Server::start().await;
    server.then(|_| json(&view())).then(|_| problem(ProblemKind::RoundState));
    let operator = operator(&server);
    operator.close_round(id(1)).await.unwrap();
    let refused = operator.cancel_round(id(1)).await.unwrap_err();
    assert_eq!(refused.problem_kind(), Some(ProblemKind::RoundState));
    let seen = server.seen();
    let round = format!("/v1/rounds/{}", id(1));
    assert_eq!([&seen[0].path, &seen[1].path], [&format!("{round}/close"), &format!("{round}/cancel")]);
    assert!(seen.iter().all(|one| one.headers["authorization"] == format!("Bearer {TOKEN}")));
    assert!(!format!("{operator:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_batch_is_made_of_what_is_owed_in_a_token_once() {
    let server = Server::start().await;
    let batch = Batch {
        batch_id: 3,
        round_id: None,
        asset: "eip155:1/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3".to_owned(),
        root: [3; 32].into(),
        lines: 2,
        total: Amount(u128::MAX),
        made_at_ms: 5,
        payment: None,
    };
    server.then(|_| problem(ProblemKind::Unavailable)).then(move |_| json(&batch));
    server.then(|_| problem(ProblemKind::NothingOwed));
    let operator = operator(&server);
    let contract = "0x5fbdb2315678afecb367f032d93f642f64180aa3".to_owned();
    let token = Token { chain_id: 1, contract: contract.clone() };
    let made = operator.make_batch(&token).await.unwrap();
    assert_eq!((made.batch_id, made.total), (3, Amount(u128::MAX)));
    let refused = operator.make_batch(&token).await.unwrap_err();
    assert_eq!(refused.problem_kind(), Some(ProblemKind::NothingOwed));
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    for one in seen {
        assert_eq!((one.method, one.path.as_str()), (Method::POST, "/v1/payouts/batches"));
        assert_eq!(one.headers["authorization"], format!("Bearer {TOKEN}"));
        let body: serde_json::Value = serde_json::from_slice(&one.body).unwrap();
        assert_eq!(body, serde_json::json!({ "token": { "chain_id": 1, "contract": contract } }));
    }
}
