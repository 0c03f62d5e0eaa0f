//! Tests of uploads. An accepted upload is durable, the same bytes get the same receipt, and a
//! failed upload leaves nothing behind.

use std::time::Duration;

use api::{ProblemKind, contributions::ContributionView, rounds::RoundState};
use protocol::{Canonical, Receipt, Signed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    deployment::{Deployment, OpenRound, Settings, eventually, now_ms},
    participant::{Message, Participant},
};

/// Starts an upload by hand: sends its head and the first `bytes` bytes.
async fn begin(deployment: &Deployment, round: &OpenRound, message: &Message, bytes: usize) -> TcpStream {
    let mut stream = TcpStream::connect(deployment.address()).await.unwrap();
    let whole = message.to_bytes();
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/octet-stream\r\n\
         content-length: {}\r\n\r\n",
        message.path(round),
        whole.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&whole[..bytes]).await.unwrap();
    stream
}

async fn status(mut stream: TcpStream) -> u16 {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

fn bodies(deployment: &Deployment, round: &OpenRound) -> usize {
    deployment.objects(&format!("{}/contributions", round.folder())).len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_give_the_same_receipt() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let message = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    let first = message.upload(&deployment, &round).await;
    let receipt = Receipt::from_bytes(&first.receipt.0).unwrap();
    receipt.verify(&deployment.pins.aggregator).unwrap();
    assert_eq!(receipt.header_hash, message.prefix.header.hash());
    assert_eq!(receipt.included_by_ms, receipt.received_at_ms + 60_000);

    let again = message.put(&deployment, &round).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json::<ContributionView>().receipt, first.receipt);
    assert_eq!(bodies(&deployment, &round), 1);

    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Failed).await;
    let afterwards = message.put(&deployment, &round).await;
    assert_eq!(afterwards.status, 200);
    assert_eq!(afterwards.json::<ContributionView>().receipt, first.receipt);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_identical_uploads_at_once_one_is_stored() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let message = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    let last = message.to_bytes().len() - 1;
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(begin(&deployment, &round, &message, last).await);
    }
    for stream in &mut streams {
        stream.write_all(&message.to_bytes()[last..]).await.unwrap();
    }
    let mut statuses = Vec::new();
    for stream in streams {
        statuses.push(status(stream).await);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    assert_eq!(bodies(&deployment, &round), 1);
    let events: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM contribution_events WHERE state = 'received'")
        .fetch_one(&deployment.db)
        .await
        .unwrap();
    assert_eq!(events, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_under_the_same_identifier_conflict() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let participant = Participant::enrolled(&deployment, "a").await;
    let message = participant.contribute(&round, 0.01, 1);
    message.upload(&deployment, &round).await;
    let id = message.id();
    let other = participant.contribute(&round, 0.02, 1);
    let other = participant.amend(&other, |header| header.contribution_id = id);
    other.put(&deployment, &round).await.refused(ProblemKind::ContributionConflict);
    let mut damaged = message.clone();
    damaged.body[0] ^= 1;
    damaged.put(&deployment, &round).await.refused(ProblemKind::DigestMismatch);
    assert_eq!(message.put(&deployment, &round).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_participant_contributes_once() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let participant = Participant::enrolled(&deployment, "a").await;
    let message = participant.contribute(&round, 0.01, 1);
    message.upload(&deployment, &round).await;
    let second = participant.contribute(&round, 0.02, 1);
    second.put(&deployment, &round).await.refused(ProblemKind::AlreadyContributed);
    let replay = participant.amend(&message, |header| header.contribution_id = [9; 16].into());
    replay.put(&deployment, &round).await.refused(ProblemKind::CommitmentRepeated);
    assert_eq!(bodies(&deployment, &round), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_the_round_has_is_refused_unless_the_header_is_the_same() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let (alice, bob) =
        (Participant::enrolled(&deployment, "alice").await, Participant::enrolled(&deployment, "bob").await);
    let first = alice.contribute(&round, 0.01, 1);
    let stored = first.upload(&deployment, &round).await;
    let commitment = first.header().commitments[0];
    let own = bob.contribute(&round, 0.02, 1);
    let copied = bob.amend(&own, |header| header.commitments[0] = commitment);
    copied.put(&deployment, &round).await.refused(ProblemKind::CommitmentRepeated);
    let heavier = alice.amend(&first, |header| (header.contribution_id, header.weight) = ([9; 16].into(), 2));
    heavier.put(&deployment, &round).await.refused(ProblemKind::CommitmentRepeated);
    let again: ContributionView = first.put(&deployment, &round).await.json();
    assert_eq!(again.receipt, stored.receipt, "the same header gets its first receipt");
    own.upload(&deployment, &round).await;
    assert_eq!(bodies(&deployment, &round), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_contributions_of_one_participant_at_once_one_is_stored() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let participant = Participant::enrolled(&deployment, "a").await;
    let messages = [participant.contribute(&round, 0.01, 1), participant.contribute(&round, 0.02, 1)];
    let mut streams = Vec::new();
    for message in &messages {
        streams.push(begin(&deployment, &round, message, message.to_bytes().len() - 1).await);
    }
    let mut statuses = Vec::new();
    for (stream, message) in streams.iter_mut().zip(&messages) {
        stream.write_all(message.to_bytes().last_chunk::<1>().unwrap()).await.unwrap();
    }
    for stream in streams {
        statuses.push(status(stream).await);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(bodies(&deployment, &round), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_ends_early_leaves_nothing() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let message = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    for bytes in [2, 100, message.to_bytes().len() - message.body.len(), message.to_bytes().len() - 1] {
        drop(begin(&deployment, &round, &message, bytes).await);
    }
    eventually("what was begun to be removed", async || (bodies(&deployment, &round) == 0).then_some(()))
        .await;
    deployment.get(&message.path(&round)).await.refused(ProblemKind::NotFound);
    message.upload(&deployment, &round).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stalls_is_refused() {
    let deployment = Deployment::with(Settings { upload_idle_timeout_ms: 200, ..Settings::default() }).await;
    let round = deployment.open_round().await;
    let message = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    let stalled = begin(&deployment, &round, &message, message.to_bytes().len() - 1).await;
    assert_eq!(status(stalled).await, 408);
    eventually("what was begun to be removed", async || (bodies(&deployment, &round) == 0).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_beyond_the_limit_are_told_to_come_back() {
    let settings = Settings { concurrent_uploads: 1, waiting_uploads: 0, ..Settings::default() };
    let deployment = Deployment::with(settings).await;
    let round = deployment.open_round().await;
    let first = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    let second = Participant::enrolled(&deployment, "b").await.contribute(&round, 0.01, 1);
    let all_but_one = first.to_bytes().len() - 1;
    let mut held = begin(&deployment, &round, &first, all_but_one).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let busy = second.put(&deployment, &round).await;
    busy.refused(ProblemKind::TooManyRequests);
    assert!(busy.headers.contains_key("retry-after"));
    held.write_all(&first.to_bytes()[all_but_one..]).await.unwrap();
    assert_eq!(status(held).await, 201);
    second.upload(&deployment, &round).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_beyond_the_limit_waits_for_its_turn() {
    let deployment =
        Deployment::with(Settings { concurrent_uploads: 1, upload_wait_ms: 60_000, ..Settings::default() })
            .await;
    let round = deployment.open_round().await;
    let first = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    let second = Participant::enrolled(&deployment, "b").await.contribute(&round, 0.01, 1);
    let all_but_one = first.to_bytes().len() - 1;
    let mut held = begin(&deployment, &round, &first, all_but_one).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (waited, ()) = tokio::join!(second.put(&deployment, &round), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        held.write_all(&first.to_bytes()[all_but_one..]).await.unwrap();
    });
    assert_eq!(waited.status, 201, "{}", waited.text());
    assert_eq!(status(held).await, 201);
}

/// An upload may wait for a minute. If it waited, it would be refused after that minute, with
/// another reason.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_would_be_refused_does_not_wait_and_hears_why() {
    let deployment =
        Deployment::with(Settings { concurrent_uploads: 1, upload_wait_ms: 60_000, ..Settings::default() })
            .await;
    let round = deployment.open_round().await;
    let (first, second) =
        (Participant::enrolled(&deployment, "a").await, Participant::enrolled(&deployment, "b").await);
    second.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    let message = first.contribute(&round, 0.01, 1);
    let _held = begin(&deployment, &round, &message, message.to_bytes().len() - 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let again = second.contribute(&round, 0.02, 2);
    let refused = tokio::time::timeout(Duration::from_secs(30), again.put(&deployment, &round)).await;
    refused.expect("it does not wait").refused(ProblemKind::AlreadyContributed);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_shown_no_credential_occupies_no_place() {
    let settings = Settings { concurrent_uploads: 1, waiting_uploads: 0, ..Settings::default() };
    let deployment = Deployment::with(settings).await;
    let round = deployment.open_round().await;
    let first = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    let second = Participant::enrolled(&deployment, "b").await.contribute(&round, 0.01, 1);
    let _silent = begin(&deployment, &round, &first, 100).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    second.upload(&deployment, &round).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_accepted_between_opening_and_closing_only() {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    plan.opens_at_ms = Some(now_ms() + 1_500);
    let round = deployment.open_planned(&plan).await;
    let message = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    message.put(&deployment, &round).await.refused(ProblemKind::RoundNotOpen);
    let wait = plan.opens_at_ms.unwrap() - now_ms() + 1;
    tokio::time::sleep(Duration::from_millis(wait.max(0).unsigned_abs())).await;
    message.upload(&deployment, &round).await;
    deployment.close(&round).await;
    let late = Participant::enrolled(&deployment, "b").await.contribute(&round, 0.01, 1);
    late.put(&deployment, &round).await.refused(ProblemKind::RoundNotOpen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_round_takes_no_more() {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    plan.max_contributions = 2;
    plan.earliest_close_ms = Some(plan.closes_at_ms);
    let round = deployment.open_planned(&plan).await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    let third = Participant::enrolled(&deployment, "c").await.contribute(&round, 0.01, 1);
    third.put(&deployment, &round).await.refused(ProblemKind::RoundFull);
}

/// A contribution beyond the cap on the total weight is turned away, and the round stays open for a
/// lighter one. A rejected contribution gives its weight back.
#[tokio::test(flavor = "multi_thread")]
async fn a_contribution_beyond_the_largest_total_weight_is_turned_away() {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    (plan.max_total_weight, plan.min_effective) = (Some(8), Some(1));
    let round = deployment.open_planned(&plan).await;
    let bad = Participant::enrolled(&deployment, "bad").await;
    bad.spoil_seed(&bad.contribute(&round, 0.01, 5), 0).upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1).await;
    let heavy = Participant::enrolled(&deployment, "a").await;
    heavy.contribute(&round, 0.01, 5).upload(&deployment, &round).await;
    let other = Participant::enrolled(&deployment, "b").await;
    other.contribute(&round, 0.01, 4).put(&deployment, &round).await.refused(ProblemKind::RoundFull);
    other.contribute(&round, 0.01, 3).upload(&deployment, &round).await;
    let none = Participant::enrolled(&deployment, "c").await;
    none.contribute(&round, 0.01, 1).put(&deployment, &round).await.refused(ProblemKind::RoundFull);
    deployment.close(&round).await;
    assert_eq!(deployment.reach(&round, RoundState::Published).await.progress.included, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_contribution_frees_its_place() {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    plan.max_contributions = 2;
    let round = deployment.open_planned(&plan).await;
    let bad = Participant::enrolled(&deployment, "bad").await;
    bad.spoil_seed(&bad.contribute(&round, 0.01, 1), 0).upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1).await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    assert_eq!(deployment.reach(&round, RoundState::Published).await.progress.included, 2);
}
