//! Round documents, models and enrolment: accepted when genuine, refused when altered.

use api::{
    ProblemKind,
    participants::{Page, Participant as ParticipantView, StateCounts},
    rounds::RoundView,
};
use axum::response::IntoResponse;
use protocol::{IdentityKey, Refusal, Signature};
use reqwest::Method;

use super::server::{MODEL, Parties, Server, client, id, json, problem, signed_round, update};
use crate::{Client, ClientConfig, ClientError, Floors, ModelSources, ignore_progress};

#[tokio::test]
async fn a_signed_and_countersigned_document_is_accepted() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let signed = parties.signed(&parties.document(1));
    server.then(move |_| json(&signed_round(&signed)));
    let round = client.open_round(id(1)).await.unwrap();
    assert_eq!(round, parties.round(1));
    assert_eq!(server.seen()[0].path, "/v1/rounds/01010101010101010101010101010101/document");
}

#[tokio::test]
async fn a_tampered_document_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let signed = parties.signed(&parties.document(1));
    let opens_at = parties.document(1);
    let changed = protocol::RoundDocument { closes_at_ms: 99, ..opens_at };
    let mut tampered = signed_round(&signed);
    tampered.document = protocol::Canonical::to_bytes(&changed).into();
    server.then(move |_| json(&tampered));
    let refused = client.open_round(id(1)).await;
    let Err(ClientError::Refused { source: Refusal::Signature { of: "round document" }, .. }) = refused
    else {
        panic!("{refused:?}")
    };
}

#[tokio::test]
async fn a_document_signed_by_others_than_the_pinned_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let other = IdentityKey::generate(&mut rand::rngs::OsRng).public();
    for pins in [
        protocol::Pins { aggregator: other, ..parties.pins() },
        protocol::Pins { combiners: vec![other], ..parties.pins() },
        protocol::Pins { combiners: vec![parties.combiner.public(), other], ..parties.pins() },
        protocol::Pins { registrar: other, ..parties.pins() },
    ] {
        let (client, _folder) = client(&server, pins);
        let signed = parties.signed(&parties.document(1));
        server.then(move |_| json(&signed_round(&signed)));
        let refused = client.open_round(id(1)).await;
        assert!(
            matches!(refused, Err(ClientError::Refused { source: Refusal::Document { .. }, .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_document_without_the_countersignature_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let mut signed = parties.signed(&parties.document(1));
    signed.countersignatures = vec![Signature(signed.aggregator_signature.0)];
    server.then(move |_| json(&signed_round(&signed)));
    let refused = client.open_round(id(1)).await;
    let Err(ClientError::Refused { source: Refusal::Signature { of: "countersignature" }, .. }) = refused
    else {
        panic!("{refused:?}")
    };
}

#[tokio::test]
async fn p1_a_round_below_the_floors_of_the_participant_is_read_and_gets_no_contribution() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let folder = tempfile::tempdir().unwrap();
    let client = |floors| {
        let config = ClientConfig::new(&server.url, parties.pins(), folder.path());
        Client::new(ClientConfig { floors, ..config }).unwrap()
    };
    let participant = parties.participant("alice");
    let refusal = async |floors| {
        let (client, signed) = (client(floors), parties.signed(&parties.document(1)));
        server.then(move |_| json(&signed_round(&signed)));
        let round = client.open_round(id(1)).await.unwrap();
        let prepared = client.prepare(&round, &participant, &update(), 1, ignore_progress()).await;
        let refusal = client.check_floors(&round).unwrap_err();
        assert_eq!(prepared.unwrap_err().to_string(), refusal.to_string());
        refusal
    };
    let default = refusal(Floors::default()).await;
    assert!(matches!(default, ClientError::CohortFloor { floor: 5, found: 2 }), "{default:?}");
    let cohort = refusal(Floors { min_cohort: 3, ..Floors::NONE }).await;
    assert!(matches!(cohort, ClientError::CohortFloor { floor: 3, found: 2 }), "{cohort:?}");
    let effective = refusal(Floors { min_effective: 2, ..Floors::NONE }).await;
    assert!(matches!(effective, ClientError::EffectiveFloor { floor: 2, found: 1 }), "{effective:?}");
    // Of two members, one of weight 4 and one of weight 1.
    let share = refusal(Floors { max_share_ppm: 799_999, ..Floors::NONE }).await;
    let expected = ClientError::ShareFloor { floor_ppm: 799_999, found_ppm: 800_000 };
    assert_eq!(share.to_string(), expected.to_string());
    let proof = refusal(Floors { norm_proof: true, ..Floors::NONE }).await;
    assert!(matches!(proof, ClientError::ProofFloor), "{proof:?}");
    let keeping = Floors { max_share_ppm: 800_000, ..Floors::NONE };
    client(keeping).check_floors(&parties.round(1)).unwrap();
    assert!(!folder.path().join("outbox").exists());
}

#[tokio::test]
async fn another_rounds_document_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let signed = parties.signed(&parties.document(2));
    server.then(move |_| json(&signed_round(&signed)));
    let refused = client.open_round(id(1)).await;
    assert!(matches!(refused, Err(ClientError::Mismatch { field: "round_id", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_model_is_the_one_that_the_document_names() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let round = parties.round(1);
    server.then(|_| MODEL.into_response());
    assert_eq!(client.model(&round).await.unwrap(), MODEL);
    for (bytes, expected) in [("b model", "digest"), ("a mode", "length")] {
        server.then(move |_| bytes.into_response());
        let refused = client.model(&round).await;
        assert!(
            matches!(refused, Err(ClientError::Mismatch { field, .. }) if field == expected),
            "{refused:?}"
        );
    }
    server.then(|_| "a model and more".into_response());
    assert!(matches!(client.model(&round).await, Err(ClientError::AnswerTooLong { limit: 7 })));
}

#[tokio::test]
async fn a_model_elsewhere_or_beyond_the_limit_is_not_asked_for() {
    let (parties, server, other) = (Parties::new(), Server::start().await, Server::start().await);
    let folder = tempfile::tempdir().unwrap();
    let config = ClientConfig::new(&server.url, parties.pins(), folder.path());
    let models = ModelSources { max_bytes: 7, ..ModelSources::default() };
    let client = Client::new(ClientConfig { models, ..config }).unwrap();
    let round = |change: &dyn Fn(&mut protocol::RoundDocument)| {
        let mut document = parties.document(1);
        change(&mut document);
        parties.signed(&document).verify(&parties.pins()).unwrap()
    };
    let large = client.model(&round(&|document| document.model_bytes = 8)).await;
    assert!(matches!(large, Err(ClientError::ModelTooLarge { bytes: 8, max_bytes: 7 })), "{large:?}");
    for location in [format!("{}/model", other.url), "https://models.example/model".to_owned()] {
        let elsewhere = client.model(&round(&|document| document.model_location = location.clone())).await;
        assert!(matches!(elsewhere, Err(ClientError::ModelLocation { .. })), "{elsewhere:?}");
    }
    assert!(server.seen().is_empty() && other.seen().is_empty());
    server.then(|_| MODEL.into_response());
    assert_eq!(client.model(&round(&|_| ())).await.unwrap(), MODEL);
    server.then(|_| vec![0; 1 << 20].into_response());
    let endless = client.model(&round(&|_| ())).await;
    assert!(matches!(endless, Err(ClientError::AnswerTooLong { limit: 7 })), "{endless:?}");
}

#[tokio::test]
async fn rounds_are_listed_page_after_page() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let page = |next: Option<&str>| Page::<RoundView> { items: vec![], next: next.map(str::to_owned) };
    let (first, last) = (page(Some("x")), page(None));
    server.then(move |_| json(&first)).then(move |_| json(&last));
    assert!(client.rounds().await.unwrap().is_empty());
    let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/v1/rounds?limit=1000", "/v1/rounds?limit=1000&after=x"]);
}

#[tokio::test]
async fn enrolment_proves_possession_of_the_key() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let participant = parties.participant("alice");
    let view = ParticipantView {
        subject: "alice".parse().unwrap(),
        client_key: participant.identity.public(),
        credential_epoch: 1,
        enrolled_at_ms: 1,
        contributions: StateCounts::default(),
    };
    server.then(move |_| json(&view));
    assert_eq!(client.enrol(&participant).await.unwrap().subject, "alice");
    let seen = server.seen().remove(0);
    assert_eq!((seen.method, seen.path.as_str()), (Method::POST, "/v1/participants"));
    let request: api::participants::EnrolRequest = serde_json::from_slice(&seen.body).unwrap();
    let signature = Signature(request.signature.0);
    let registrar = parties.registrar.public();
    protocol::roles::aggregator::check_enrolment(&participant.credential, &registrar, &signature).unwrap();
}

#[tokio::test]
async fn a_problem_keeps_its_kind_and_its_particulars() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    server.then(|_| problem(ProblemKind::CredentialRefused));
    let error = client.enrol(&parties.participant("alice")).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::CredentialRefused));
    assert!(!error.is_retryable());
    server.then(|_| (axum::http::StatusCode::IM_A_TEAPOT, "not a problem").into_response());
    let error = client.round(id(1)).await.unwrap_err();
    assert!(matches!(error, ClientError::Status { status: 418, .. }), "{error:?}");
}
