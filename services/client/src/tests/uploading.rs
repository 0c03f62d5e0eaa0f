//! Uploads: repetition, final errors, receipts, and the list of updates that were sent.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use api::{
    ProblemKind,
    combiner::ReceiptCall,
    rounds::{RoundState, RoundView},
};
use axum::{
    http::{StatusCode, header::RETRY_AFTER},
    response::IntoResponse,
};
use protocol::{
    BodyDigester, Canonical, ContributionHeader, IdentityKey, MessagePrefix, PrefixLength, Refusal,
    Unreleased,
};
use rand::rngs::OsRng;
use reqwest::Method;
use testbed::EPOCH;
use tokio::net::TcpListener;

use super::server::{
    Parties, Server, client, client_in, contribution_view, json, problem, signed_round, update,
};
use crate::{
    Client, ClientConfig, ClientError, Floors, OnRetry, Participant, Phase, Progress, ProgressFn,
    RetryPolicy, Timeouts, ignore_progress,
};

fn stored(server: &Server) {
    server.then(|seen| json(&Parties::new().view(&seen.body)));
}

fn outbox_files(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(folder.path().join("state/outbox")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn what_is_uploaded_is_a_canonical_message_of_the_round() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    stored(&server);
    let contribution =
        client.contribute(&round, &participant, &update(), 3, ignore_progress()).await.unwrap();

    let seen = server.seen().remove(0);
    let path = format!("/v1/rounds/{}/contributions/{}", "01".repeat(16), contribution.id);
    assert_eq!((seen.method, seen.path), (Method::PUT, path));
    assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
    assert_eq!(contribution.bytes, seen.body.len() as u64);
    let PrefixLength::Exactly(length) = MessagePrefix::length(&seen.body).unwrap() else { panic!() };
    let prefix = MessagePrefix::from_bytes(&seen.body[..length]).unwrap();
    round.check_header(&prefix.header).unwrap();
    assert_eq!(prefix.header.weight, 3);
    let mut digester = BodyDigester::new(round.constants());
    digester.push(&seen.body[length..]).unwrap();
    assert_eq!(digester.finish().unwrap(), prefix.header.body_digest);

    let preparation = contribution.preparation.unwrap();
    assert_eq!(preparation.quantised.values().len() as u64, round.constants().padded_dimension);
    assert!(preparation.quantised.clip_ratio() <= 1.0);
    assert_eq!(client.receipt(contribution.id).unwrap(), Some(contribution.receipt));
    assert_eq!(outbox_files(&folder), 0);
}

#[tokio::test]
async fn a_busy_server_gets_the_same_bytes_again_when_it_asked_for_them() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    server.then(|_| {
        let mut response = problem(ProblemKind::TooManyRequests);
        response.headers_mut().insert(RETRY_AFTER, "1".parse().unwrap());
        response
    });
    server.then(|_| problem(ProblemKind::Unavailable));
    stored(&server);
    let start = Instant::now();
    let participant = parties.participant("alice");
    client.contribute(&parties.round(1), &participant, &update(), 1, ignore_progress()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert_eq!((&seen[0].body, &seen[0].path), (&seen[1].body, &seen[1].path));
    assert_eq!((&seen[0].body, &seen[0].path), (&seen[2].body, &seen[2].path));
}

#[tokio::test]
async fn a_conflict_is_final_and_empties_the_outbox() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    server.then(|_| problem(ProblemKind::RoundFull));
    let error = client.contribute(&round, &participant, &update(), 1, ignore_progress()).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::RoundFull));
    assert_eq!(server.seen().len(), 1);
    assert_eq!(outbox_files(&folder), 0);

    stored(&server);
    client.contribute(&round, &participant, &update(), 1, ignore_progress()).await.unwrap();
    let seen = server.seen();
    assert_ne!(seen[0].path, seen[1].path, "a second attempt is a contribution of its own, with fresh keys");
    assert_ne!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn patience_ends() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    for _ in 0..9 {
        server.then(|_| problem(ProblemKind::Internal));
    }
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    let error = client.contribute(&round, &participant, &update(), 1, ignore_progress()).await.unwrap_err();
    assert_eq!(error.problem_kind(), Some(ProblemKind::Internal));
    assert!(error.is_retryable());
    assert_eq!(server.seen().len(), 4);
    assert_eq!(outbox_files(&folder), 2, "body and prefix wait for the next run");
}

#[tokio::test]
async fn the_callback_hears_why_and_how_long_the_client_waits() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(Mutex::new(Vec::<(_, Duration)>::new()));
    let tell = told.clone();
    let on_retry = OnRetry(Arc::new(move |error, wait| {
        tell.lock().unwrap().push((error.problem_kind(), wait));
    }));
    let retry = RetryPolicy { attempts: 3, first_wait: Duration::from_millis(2), ..RetryPolicy::default() };
    let config = ClientConfig::new(&server.url, parties.pins(), folder.path());
    let client = Client::new(ClientConfig { retry, on_retry, floors: Floors::NONE, ..config }).unwrap();
    for _ in 0..3 {
        server.then(|_| problem(ProblemKind::Unavailable));
    }
    client.rounds().await.unwrap_err();
    client.rounds().await.unwrap_err();
    let told = told.lock().unwrap();
    let reasons: Vec<_> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(reasons, [Some(ProblemKind::Unavailable); 2], "no wait follows the last failure");
    let [first, second] = [told[0].1, told[1].1].map(|wait| wait.as_micros());
    assert!((1_000..=2_000).contains(&first) && (2_000..=4_000).contains(&second), "{told:?}");
}

#[tokio::test]
async fn a_client_that_only_reads_leaves_no_folder() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    client.rounds().await.unwrap_err();
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    assert!(client.resume(&round, &participant, ignore_progress()).await.unwrap().is_none());
    assert_eq!(client.receipt([1; 16].into()).unwrap(), None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_tried_again() {
    let parties = Parties::new();
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let folder = tempfile::tempdir().unwrap();
    let client = client_in(&format!("http://{address}"), parties.pins(), &folder);
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    let error = client.contribute(&round, &participant, &update(), 1, ignore_progress()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert!(error.is_retryable());

    let late = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let server = Server::on(TcpListener::bind(address).await.unwrap());
        stored(&server);
        server
    });
    client.contribute(&round, &participant, &update(), 1, ignore_progress()).await.unwrap();
    assert_eq!(late.await.unwrap().seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_asked_again() {
    let parties = Parties::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let timeouts = Timeouts { exchange: Duration::from_millis(50), ..Timeouts::default() };
    let retry = RetryPolicy { attempts: 2, first_wait: Duration::from_millis(1), ..RetryPolicy::default() };
    let config = ClientConfig {
        timeouts,
        retry,
        floors: Floors::NONE,
        ..ClientConfig::new(url, parties.pins(), folder.path())
    };
    let connections = tokio::spawn(async move {
        let mut held = Vec::new();
        while held.len() < 2 {
            held.push(silent.accept().await.unwrap());
        }
        held
    });
    let error = Client::new(config).unwrap().rounds().await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error:?}");
    assert_eq!(connections.await.unwrap().len(), 2);
}

/// Contributes to a server whose receipt is changed by `change` and signed by `key`. Returns the
/// outcome and the number of files left in the outbox.
async fn contribute_for(
    key: IdentityKey,
    change: impl Fn(&mut protocol::Receipt) + Send + 'static,
) -> (Result<crate::Contribution, ClientError>, usize) {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    server.then(move |seen| json(&contribution_view(&seen.body, &key, change)));
    let participant = parties.participant("alice");
    let result = client.contribute(&parties.round(1), &participant, &update(), 1, ignore_progress()).await;
    assert_eq!(server.seen().len(), 1, "a bad receipt is not a reason to repeat");
    (result, outbox_files(&folder))
}

#[tokio::test]
async fn a_receipt_signed_by_another_key_is_refused_and_the_message_kept() {
    let other = IdentityKey::generate(&mut OsRng);
    let (result, files) = contribute_for(other, |_| ()).await;
    let Err(ClientError::Refused { source: Refusal::Signature { of: "receipt" }, .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!(files, 2);
}

#[tokio::test]
async fn a_receipt_for_something_else_is_refused() {
    type Change = fn(&mut protocol::Receipt);
    let changes: [(&str, Change); 3] = [
        ("round_hash", |receipt| receipt.round_hash = [9; 32].into()),
        ("contribution_id", |receipt| receipt.contribution_id = [9; 16].into()),
        ("header_hash", |receipt| receipt.header_hash = [9; 32].into()),
    ];
    for (name, change) in changes {
        let (result, _) = contribute_for(Parties::new().aggregator, change).await;
        assert!(
            matches!(result, Err(ClientError::Mismatch { field, .. }) if field == name),
            "{name}: {result:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_not_a_receipt_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    server.then(|_| "{}".into_response());
    let participant = parties.participant("alice");
    let result = client.contribute(&parties.round(1), &participant, &update(), 1, ignore_progress()).await;
    assert!(matches!(result, Err(ClientError::Answer { .. })), "{result:?}");
}

#[tokio::test]
async fn an_update_is_not_sent_in_a_second_round() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let participant = parties.participant("alice");
    stored(&server);
    client.contribute(&parties.round(1), &participant, &update(), 1, ignore_progress()).await.unwrap();
    let second = client.contribute(&parties.round(2), &participant, &update(), 1, ignore_progress()).await;
    let Err(ClientError::AlreadySent { round_hash }) = second else { panic!("{second:?}") };
    assert_eq!(round_hash, *parties.round(1).hash());
    assert_eq!(uploads(&server), 1);
}

fn uploads(server: &Server) -> usize {
    server.seen().iter().filter(|seen| seen.method == Method::PUT).count()
}

/// Answers as an aggregator does that shows this document and these statements for every round.
fn ended(server: &Server, parties: &Parties, document: u8, statements: &[Unreleased]) {
    let document = signed_round(&parties.signed(&parties.document(document)));
    let unreleased = statements.iter().map(|statement| statement.to_bytes().into()).collect();
    let view = RoundView { state: RoundState::Failed, unreleased, ..super::operating::view() };
    server.always(move |seen| match seen.method {
        Method::PUT => json(&Parties::new().view(&seen.body)),
        _ if seen.path.ends_with("/document") => json(&document),
        _ => json(&view),
    });
}

#[tokio::test]
async fn p1_an_update_is_sent_again_once_every_combiner_has_signed_that_nothing_was_released() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let participant = parties.participant("alice");
    stored(&server);
    client.contribute(&parties.round(1), &participant, &update(), 1, ignore_progress()).await.unwrap();
    let state = |round: u8, holder: u8, key: &IdentityKey| {
        Unreleased::state(*parties.round(round).hash(), holder, key)
    };
    let stranger = IdentityKey::generate(&mut OsRng);
    let honest = state(1, 1, &parties.combiner);
    let mut tampered = honest.clone();
    tampered.signature.0[63] ^= 1;
    let lies: [(u8, &[Unreleased]); 8] = [
        (1, &[]),
        (1, &[state(1, 1, &stranger)]),
        (1, &[state(1, 1, &parties.aggregator)]),
        (1, &[state(3, 1, &parties.combiner)]),
        (1, &[state(1, 2, &parties.combiner)]),
        (1, &[honest.clone(), honest.clone()]),
        (1, &[tampered]),
        // the document of another round, whose combiner has made a statement about that one
        (3, &[state(3, 1, &parties.combiner)]),
    ];
    for (document, statements) in lies {
        ended(&server, &parties, document, statements);
        let again = client.contribute(&parties.round(2), &participant, &update(), 1, ignore_progress()).await;
        assert!(matches!(again, Err(ClientError::AlreadySent { .. })), "{again:?}");
    }
    assert_eq!(uploads(&server), 1);

    ended(&server, &parties, 1, &[honest]);
    client.contribute(&parties.round(2), &participant, &update(), 1, ignore_progress()).await.unwrap();
    assert_eq!(uploads(&server), 2);
    let third = client.contribute(&parties.round(3), &participant, &update(), 1, ignore_progress()).await;
    let Err(ClientError::AlreadySent { round_hash }) = third else { panic!("{third:?}") };
    assert_eq!(round_hash, *parties.round(2).hash(), "the statement was about the first round");
}

async fn refused_before_sending(
    client: &Client,
    parties: &Parties,
    update: &[f32],
    weight: u32,
) -> ClientError {
    let participant = parties.participant("alice");
    client.contribute(&parties.round(1), &participant, update, weight, ignore_progress()).await.unwrap_err()
}

#[tokio::test]
async fn impossible_contributions_are_refused_before_anything_is_sent() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let short = refused_before_sending(&client, &parties, &update()[1..], 1).await;
    assert!(matches!(short, ClientError::UpdateLength { expected: 3000, found: 2999 }), "{short:?}");
    let heavy = refused_before_sending(&client, &parties, &update(), 5).await;
    assert!(matches!(heavy, ClientError::Weight { weight: 5, min: 1, max: 4 }), "{heavy:?}");
    let mut infinite = update();
    infinite[17] = f32::NAN;
    let infinite = refused_before_sending(&client, &parties, &infinite, 1).await;
    assert!(matches!(infinite, ClientError::Quantise { .. }), "{infinite:?}");
    assert!(server.seen().is_empty());
    assert_eq!(outbox_files(&folder), 0);
}

#[tokio::test]
async fn a_round_of_another_epoch_is_refused_before_masking_and_its_waiting_message_is_still_sent() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let (round, old) = (parties.round(1), parties.participant("alice"));
    let waiting = client.prepare(&round, &old, &update(), 1, ignore_progress()).await.unwrap();
    let (waiting, files) = (waiting.contribution_id(), outbox_files(&folder));

    let party = testbed::Participant::new(&parties.registrar, "alice", EPOCH + 1, &mut OsRng);
    let new = Participant { identity: party.identity, credential: party.credential };
    let refused = client.contribute(&round, &new, &update(), 1, ignore_progress()).await.unwrap_err();
    assert!(matches!(refused, ClientError::Epoch { round: EPOCH, credential } if credential == EPOCH + 1));
    let text = refused.to_string();
    for word in [format!("epoch {EPOCH}"), format!("epoch {}", EPOCH + 1), "enrol".to_owned()] {
        assert!(text.contains(&word), "{text}");
    }
    assert!(server.seen().is_empty());
    assert_eq!(outbox_files(&folder), files);

    stored(&server);
    let sent = client.contribute(&round, &old, &update(), 1, ignore_progress()).await.unwrap();
    assert_eq!(sent.id, waiting);
}

#[tokio::test]
async fn progress_reaches_the_end_of_every_phase() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    stored(&server);
    let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let progress: ProgressFn = Arc::new({
        let seen = seen.clone();
        move |progress| seen.lock().unwrap().push(progress)
    });
    let participant = parties.participant("alice");
    let contribution =
        client.contribute(&parties.round(1), &participant, &update(), 1, progress).await.unwrap();
    let seen = seen.lock().unwrap();
    let last = |phase| seen.iter().rfind(|progress| progress.phase == phase).map(|p| (p.done, p.total));
    assert_eq!(last(Phase::Quantising), Some((1, 1)));
    assert_eq!(last(Phase::Masking), Some((1, 1)));
    assert_eq!(last(Phase::Uploading), Some((contribution.bytes, contribution.bytes)));
}

#[tokio::test]
async fn a_kept_receipt_can_be_read_again() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    stored(&server);
    let participant = parties.participant("alice");
    let contribution =
        client.contribute(&parties.round(1), &participant, &update(), 1, ignore_progress()).await.unwrap();
    let reopened = client_in(&server.url, parties.pins(), &folder);
    assert_eq!(reopened.receipt(contribution.id).unwrap(), Some(contribution.receipt.clone()));
    let path = folder.path().join("state/receipts").join(contribution.id.to_string());
    assert_eq!(std::fs::read(path).unwrap(), contribution.receipt.to_bytes());
}

#[tokio::test]
async fn a_receipt_is_handed_to_every_combiner_and_one_that_is_away_delays_nothing() {
    let (parties, server, combiner) = (Parties::new(), Server::start().await, Server::start().await);
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config = ClientConfig {
        floors: Floors::NONE,
        combiner_urls: vec![combiner.url.clone(), format!("http://{nobody}")],
        ..ClientConfig::new(&server.url, parties.pins(), folder.path())
    };
    let client = Client::new(config).unwrap();
    combiner.always(|_| StatusCode::NO_CONTENT.into_response());
    stored(&server);
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    let contribution =
        client.contribute(&round, &participant, &update(), 1, ignore_progress()).await.unwrap();
    client.finish_handing_over(Duration::from_secs(20)).await;

    let seen = combiner.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].path, format!("/v1/rounds/{}/receipts", round.hash()));
    let call: ReceiptCall = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(call.receipt.0, contribution.receipt.to_bytes());
    let header = ContributionHeader::from_bytes(&call.header.0).unwrap();
    assert_eq!(header.hash(), contribution.receipt.header_hash);
}
