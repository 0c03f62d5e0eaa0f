//! Tests of refused uploads. Each has its own reason, is counted, and leaves nothing in the object
//! store.

use api::ProblemKind;
use protocol::{Credential, IdentityKey};
use rand::rngs::OsRng;

use crate::{
    deployment::{Answer, Deployment, EPOCH, OpenRound},
    participant::{Message, Participant},
};

/// Sends other bytes under the path of the contribution.
async fn put(deployment: &Deployment, round: &OpenRound, message: &Message, bytes: Vec<u8>) -> Answer {
    deployment.put(&message.path(round), bytes).await
}

async fn one(name: &str) -> (Deployment, OpenRound, Participant, Message) {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let participant = Participant::enrolled(&deployment, name).await;
    let message = participant.contribute(&round, 0.01, 1);
    (deployment, round, participant, message)
}

fn nothing_stored(deployment: &Deployment, round: &OpenRound) {
    assert_eq!(deployment.objects(&round.folder()), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message() {
    let (deployment, round, _, message) = one("a").await;
    let whole = message.to_bytes();
    let garbage = vec![0xa5; whole.len()];
    put(&deployment, &round, &message, garbage).await.refused(ProblemKind::MalformedMessage);
    let mut other_name = whole.clone();
    other_name[4] ^= 1;
    put(&deployment, &round, &message, other_name).await.refused(ProblemKind::MalformedMessage);
    let mut longer = whole.clone();
    longer.push(0);
    let refused = put(&deployment, &round, &message, longer).await;
    refused.refused(ProblemKind::LengthMismatch);
    let shorter = whole[..whole.len() - 1].to_vec();
    put(&deployment, &round, &message, shorter).await.refused(ProblemKind::LengthMismatch);
    let empty = put(&deployment, &round, &message, Vec::new()).await;
    assert_eq!(empty.problem().field.as_deref(), Some("Content-Length"));
    put(&deployment, &round, &message, vec![0; 3 << 20]).await.refused(ProblemKind::LengthMismatch);
    nothing_stored(&deployment, &round);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_another_form() {
    let (deployment, round, _, message) = one("a").await;
    let (path, bytes) = (message.path(&round), message.to_bytes());
    let json = deployment.send(reqwest::Method::PUT, &path, None, bytes, "application/json").await;
    json.refused(ProblemKind::UnsupportedMediaType);
    let elsewhere = message.path(&round).replace(&message.id().to_string(), &"00".repeat(16));
    let refused = deployment.put(&elsewhere, message.to_bytes()).await;
    refused.refused(ProblemKind::MalformedRequest);
    assert_eq!(refused.problem().field.as_deref(), Some("contribution"));
    let nowhere = message.path(&round).replace(&round.id.to_string(), &"00".repeat(16));
    deployment.put(&nowhere, message.to_bytes()).await.refused(ProblemKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_the_header_does_not_bind() {
    let (deployment, round, participant, message) = one("a").await;
    let mut flipped = message.clone();
    flipped.body[5] ^= 1;
    flipped.put(&deployment, &round).await.refused(ProblemKind::DigestMismatch);
    let mut seeds = message.clone();
    seeds.prefix.sealed.0[1].0[0] ^= 1;
    seeds.put(&deployment, &round).await.refused(ProblemKind::DigestMismatch);
    let other = participant.contribute(&round, 0.01, 1);
    let mut swapped = message.clone();
    swapped.body = other.body.clone();
    swapped.put(&deployment, &round).await.refused(ProblemKind::DigestMismatch);
    nothing_stored(&deployment, &round);
    message.upload(&deployment, &round).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_outside_the_ring() {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    // With this many contributions, a word of all ones is not canonical.
    plan.max_contributions = 4096;
    let round = deployment.open_planned(&plan).await;
    assert!(round.verified.constants().transport_bits < 32);
    let mut message = Participant::enrolled(&deployment, "a").await.contribute(&round, 0.01, 1);
    message.body.fill(0xff);
    message.put(&deployment, &round).await.refused(ProblemKind::BodyNotCanonical);
    nothing_stored(&deployment, &round);
}

#[tokio::test(flavor = "multi_thread")]
async fn participants_who_are_not_who_they_say() {
    let (deployment, round, participant, message) = one("a").await;
    let stranger = Participant::new(&deployment, "stranger", EPOCH).contribute(&round, 0.01, 1);
    stranger.put(&deployment, &round).await.refused(ProblemKind::UnknownParticipant);
    let other_key = Participant::new(&deployment, "a", EPOCH).contribute(&round, 0.01, 1);
    other_key.put(&deployment, &round).await.refused(ProblemKind::UnknownParticipant);
    let other_epoch = Participant::new(&deployment, "a", EPOCH + 1).contribute(&round, 0.01, 1);
    other_epoch.put(&deployment, &round).await.refused(ProblemKind::CredentialRefused);

    let forger = IdentityKey::generate(&mut OsRng);
    let subject = participant.credential.subject.clone();
    let forged = Credential::issue(&forger, subject, participant.identity.public(), EPOCH);
    let forged = participant.amend(&message, |header| header.credential = forged);
    forged.put(&deployment, &round).await.refused(ProblemKind::CredentialRefused);

    let mut unsigned = message.clone();
    unsigned.prefix.header.signature.0[3] ^= 1;
    unsigned.put(&deployment, &round).await.refused(ProblemKind::SignatureRefused);
    let mut reweighted = message.clone();
    reweighted.prefix.header.weight = 2;
    reweighted.put(&deployment, &round).await.refused(ProblemKind::SignatureRefused);
    nothing_stored(&deployment, &round);
}

#[tokio::test(flavor = "multi_thread")]
async fn contributions_to_another_round_or_outside_its_rules() {
    let (deployment, round, participant, message) = one("a").await;
    let mut plan = deployment.plan().await;
    plan.model_digest = deployment.upload_model(b"another model").await;
    let other = deployment.open_planned(&plan).await;
    let stray = deployment.put(&message.path(&other), message.to_bytes()).await;
    stray.refused(ProblemKind::WrongRound);
    let heavy = participant.amend(&message, |header| header.weight = 6);
    heavy.put(&deployment, &round).await.refused(ProblemKind::WeightOutOfRange);
    let fewer = participant.amend(&message, |header| header.commitments.push(header.commitments[0]));
    // Another number of commitments changes the length of the sealed seeds.
    assert_eq!(fewer.put(&deployment, &round).await.status / 100, 4);
    nothing_stored(&deployment, &round);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_counted_by_reason() {
    let (deployment, round, participant, message) = one("a").await;
    let heavy = participant.amend(&message, |header| header.weight = 6);
    for _ in 0..3 {
        heavy.put(&deployment, &round).await.refused(ProblemKind::WeightOutOfRange);
    }
    put(&deployment, &round, &message, Vec::new()).await.refused(ProblemKind::LengthMismatch);
    let counted: Vec<(String, i64)> = sqlx::query_as(
        "SELECT reason, count FROM rejections_by_reason WHERE stage = 'upload' ORDER BY reason",
    )
    .fetch_all(&deployment.db)
    .await
    .unwrap();
    assert_eq!(counted, [("length-mismatch".to_owned(), 1), ("weight-out-of-range".to_owned(), 3)]);
}
