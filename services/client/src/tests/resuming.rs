//! Runs after a crash between masking and the receipt.

use std::sync::Arc;

use api::{
    ProblemKind,
    rounds::{RoundState, RoundView},
};
use names::{ContributionId, RoundId};

use super::{
    operating::view,
    server::{Parties, Server, client, client_in, json, problem, update},
};
use crate::{Client, ClientError, Participant, Prepared, ProgressFn, ignore_progress};

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
    let stem = format!("{}-{}", round.document().round_id, prepared.contribution_id());
    std::fs::remove_file(outbox.join(format!("{stem}.prefix"))).unwrap();
    let body = outbox.join(format!("{stem}.body"));
    assert!(body.exists());
    assert!(client.resume(&round, &participant, ignore_progress()).await.unwrap().is_none());

    client_in(&server.url, parties.pins(), &folder);
    assert!(body.exists(), "another process may be about to finish it");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 3600);
    std::fs::File::options().write(true).open(&body).unwrap().set_modified(old).unwrap();
    client_in(&server.url, parties.pins(), &folder);
    assert!(!body.exists());
}

/// Changes the state folder as if the run that put the only message into the outbox had ended
/// before the prefix got its name.
fn unname(folder: &tempfile::TempDir) {
    let state = folder.path().join("state");
    let mut files = std::fs::read_dir(state.join("outbox")).unwrap().map(|entry| entry.unwrap().path());
    let prefix = files.find(|path| path.extension().is_some_and(|extension| extension == "prefix")).unwrap();
    let update = std::fs::read_dir(state.join("sent")).unwrap().next().unwrap().unwrap().file_name();
    let unnamed = format!("{}.unrecorded", update.to_str().unwrap());
    std::fs::rename(&prefix, prefix.with_extension(unnamed)).unwrap();
}

#[tokio::test]
async fn a_crash_after_the_update_is_recorded_loses_no_message() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (first, folder) = client(&server, parties.pins());
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    let prepared = first.prepare(&round, &participant, &update(), 1, ignore_progress()).await.unwrap();
    let message = prepared.message().unwrap();
    unname(&folder);
    assert!(first.resume(&round, &participant, ignore_progress()).await.unwrap().is_none());

    let restarted = client_in(&server.url, parties.pins(), &folder);
    server.then(|seen| json(&Parties::new().view(&seen.body)));
    let contribution = restarted.resume(&round, &participant, ignore_progress()).await.unwrap().unwrap();
    assert_eq!((contribution.id, &server.seen()[0].body[..]), (prepared.contribution_id(), &message[..]));
    let other = restarted.prepare(&parties.round(2), &participant, &update(), 1, ignore_progress()).await;
    assert!(matches!(other, Err(ClientError::AlreadySent { .. })), "{other:?}");
}

#[tokio::test]
async fn a_crash_before_the_update_is_recorded_leaves_it_free_and_sends_nothing() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (first, folder) = client(&server, parties.pins());
    let (round, participant) = (parties.round(1), parties.participant("alice"));
    first.prepare(&round, &participant, &update(), 1, ignore_progress()).await.unwrap();
    unname(&folder);
    std::fs::remove_dir_all(folder.path().join("state/sent")).unwrap();

    let restarted = client_in(&server.url, parties.pins(), &folder);
    let other = parties.round(2);
    restarted.prepare(&other, &participant, &update(), 1, ignore_progress()).await.unwrap();
    // The update belongs to the other round now, and no restart brings the first message back.
    let restarted = client_in(&server.url, parties.pins(), &folder);
    assert!(restarted.resume(&round, &participant, ignore_progress()).await.unwrap().is_none());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_preparation_that_fails_leaves_the_update_free() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let participant = parties.participant("alice");
    let outbox = folder.path().join("state/outbox");
    std::fs::create_dir_all(folder.path().join("state")).unwrap();
    std::fs::write(&outbox, b"no folder").unwrap();
    let failed = client.prepare(&parties.round(1), &participant, &update(), 1, ignore_progress()).await;
    assert!(matches!(failed, Err(ClientError::State { .. })), "{failed:?}");
    std::fs::remove_file(&outbox).unwrap();
    client.prepare(&parties.round(2), &participant, &update(), 1, ignore_progress()).await.unwrap();
}

#[tokio::test]
async fn a_preparation_that_its_caller_drops_leaves_the_update_free() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let participant = parties.participant("alice");
    let (started, mut has_started) = tokio::sync::mpsc::unbounded_channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let progress: ProgressFn = Arc::new(move |_| {
        let _ = started.send(());
        // Waits until the other end is dropped.
        let _ = wait.lock().unwrap().recv();
    });
    let (first, other) = (parties.round(1), parties.round(2));
    let update = update();
    tokio::select! {
        prepared = client.prepare(&first, &participant, &update, 1, progress) => panic!("{prepared:?}"),
        _ = has_started.recv() => {}
    }
    drop(go);
    // The client has one thread, so this comes after what was begun.
    client.prepare(&other, &participant, &update, 1, ignore_progress()).await.unwrap();
    assert!(client.resume(&first, &participant, ignore_progress()).await.unwrap().is_none());
    assert_eq!(std::fs::read_dir(folder.path().join("state/outbox")).unwrap().count(), 2);
}

/// Two processes that share a state folder prepare one update for two rounds at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_rounds_that_an_update_is_prepared_for_at_once_one_gets_it() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (first, folder) = client(&server, parties.pins());
    let second = client_in(&server.url, parties.pins(), &folder);
    let participant = parties.participant("alice");
    let (update, rounds) = (update(), [parties.round(1), parties.round(2)]);
    let outcomes = tokio::join!(
        first.prepare(&rounds[0], &participant, &update, 1, ignore_progress()),
        second.prepare(&rounds[1], &participant, &update, 1, ignore_progress())
    );
    let outcomes = [outcomes.0, outcomes.1];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = outcomes.iter().find_map(|outcome| outcome.as_ref().err()).unwrap();
    assert!(matches!(refused, ClientError::AlreadySent { .. }), "{refused:?}");
    assert_eq!(std::fs::read_dir(folder.path().join("state/outbox")).unwrap().count(), 2);
}

/// A message for round `round` that a run prepared and did not send. Each round has another update.
async fn left_over(client: &Client, parties: &Parties, participant: &Participant, round: u8) -> Prepared {
    let update = vec![f32::from(round) / 100.0; update().len()];
    client.prepare(&parties.round(round), participant, &update, 1, ignore_progress()).await.unwrap()
}

#[tokio::test]
async fn what_is_left_of_other_rounds_is_removed_once_these_take_no_more() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let alice = parties.participant("alice");
    let mut names = Vec::new();
    let mut stored = None;
    for round in 2..=6 {
        let prepared = left_over(&client, &parties, &alice, round).await;
        names.push((prepared.contribution_id(), round));
        if round == 2 {
            stored = Some(parties.view(&prepared.message().unwrap()));
        }
    }
    left_over(&client, &parties, &parties.participant("bob"), 3).await;
    let stored = stored.unwrap();
    let receipt = stored.contribution_id;

    server.then(|seen| json(&Parties::new().view(&seen.body)));
    // The other requests come in the order of the folder, which is arbitrary.
    let state = move |round: u8| RoundView {
        round_id: [round; 16].into(),
        round_hash: *Parties::new().round(if round == 6 { 1 } else { round }).hash(),
        state: if round == 4 { RoundState::Open } else { RoundState::Failed },
        ..view()
    };
    server.always(move |seen| {
        let mut parts = seen.path.split('/').skip(3);
        let round = u8::from_str_radix(&parts.next().unwrap()[..2], 16).unwrap();
        match (round, parts.next().is_some()) {
            (2, true) => json(&stored),
            (2..=4 | 6, false) => json(&state(round)),
            _ => problem(ProblemKind::NotFound),
        }
    });
    client.contribute(&parties.round(1), &alice, &update(), 1, ignore_progress()).await.unwrap();

    assert!(client.receipt(receipt).unwrap().is_some(), "it was stored, and only the answer was lost");
    let outbox = folder.path().join("state/outbox");
    let is_kept = |round: u8| {
        let name = |(contribution, of): &(ContributionId, u8)| {
            (*of == round).then(|| format!("{}-{contribution}", RoundId::from_bytes([round; 16])))
        };
        let stem = names.iter().find_map(name).unwrap();
        let kept = ["prefix", "body"].map(|part| outbox.join(format!("{stem}.{part}")).exists());
        assert_eq!(kept[0], kept[1]);
        kept[0]
    };
    let kept: Vec<u8> = (2..=6).filter(|&round| is_kept(round)).collect();
    assert_eq!(kept, [4, 5, 6], "4 takes more, 5 and 6 belong to another aggregator");
    assert_eq!(std::fs::read_dir(&outbox).unwrap().count(), 2 * 4, "only bob's client deletes bob's message");
}

#[tokio::test]
async fn a_message_that_cannot_be_asked_about_does_not_fail_a_contribution() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, folder) = client(&server, parties.pins());
    let alice = parties.participant("alice");
    left_over(&client, &parties, &alice, 2).await;
    server.then(|seen| json(&Parties::new().view(&seen.body)));
    server.always(|_| problem(ProblemKind::Unavailable));
    client.contribute(&parties.round(1), &alice, &update(), 1, ignore_progress()).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("state/outbox")).unwrap().count(), 2);
}
