//! What happens after a crash between masking and the receipt.

use api::ProblemKind;

use super::server::{Parties, Server, client, client_in, json, problem, update};
use crate::ignore_progress;

#[tokio::test]
async fn a_message_left_in_the_outbox_is_sent_as_it_is() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (first, folder) = client(&server, parties.pins());
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    let prepared = first.prepare(&round, &participant, &update(), 1, ignore_progress()).await.unwrap();
    let (id, message) = (prepared.contribution_id(), prepared.message().unwrap());
    drop((first, prepared));

    let restarted = client_in(&server.url, parties.pins(), &folder);
    server.then(|seen| json(&Parties::new().view(&seen.body)));
    let other_update = vec![0.5; update().len()];
    let contribution =
        restarted.contribute(&round, &participant, &other_update, 1, ignore_progress()).await.unwrap();
    assert_eq!(contribution.id, id);
    assert!(contribution.preparation.is_none());
    assert_eq!(server.seen()[0].body, message);
    assert!(restarted.resume(&round, &participant, ignore_progress()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_failed_upload_is_resumed_with_the_same_bytes() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    for _ in 0..4 {
        server.then(|_| problem(ProblemKind::Unavailable));
    }
    client.contribute(&round, &participant, &update(), 1, ignore_progress()).await.unwrap_err();
    server.then(|seen| json(&Parties::new().view(&seen.body)));
    client.resume(&round, &participant, ignore_progress()).await.unwrap().unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|one| one.body == seen[0].body && one.path == seen[0].path));
}

#[tokio::test]
async fn messages_of_other_rounds_and_participants_stay_where_they_are() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let (alice, bob) = (parties.participant("alice"), parties.participant("bob"));
    client.prepare(&parties.round(1), &alice, &update(), 1, ignore_progress()).await.unwrap();
    let nothing = client.resume(&parties.round(2), &alice, ignore_progress()).await.unwrap();
    assert!(nothing.is_none());
    let nothing = client.resume(&parties.round(1), &bob, ignore_progress()).await.unwrap();
    assert!(nothing.is_none());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_body_without_its_prefix_does_not_count() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    let prepared = client.prepare(&round, &participant, &update(), 1, ignore_progress()).await.unwrap();
    let outbox = folder.path().join("state/outbox");
    let stem = format!("{}-{}", hex::encode(round.hash()), prepared.contribution_id());
    std::fs::remove_file(outbox.join(format!("{stem}.prefix"))).unwrap();
    let body = outbox.join(format!("{stem}.body"));
    assert!(body.exists());
    assert!(client.resume(&round, &participant, ignore_progress()).await.unwrap().is_none());

    client_in(&server.url, parties.pins(), &folder);
    assert!(body.exists(), "it may be another process's that is about to finish it");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3600);
    std::fs::File::options().write(true).open(&body).unwrap().set_modified(old).unwrap();
    client_in(&server.url, parties.pins(), &folder);
    assert!(!body.exists());
}
