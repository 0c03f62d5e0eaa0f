//! Tests of contributions whose proof does not verify, which a set may leave out.

use api::{HexBytes, ProblemKind, combiner::ContributionEnvelope};
use protocol::{Canonical, Proof, ReleaseRequest, Signed, VerifiedRound, proof_digest};
use testbed::{Message, Participant};

use crate::deployment::{Deployment, Reply, Round, kind};

/// A round that demands proofs, with an attested contribution of each of four participants. The
/// first one's proof does not verify.
async fn with_a_cheat(deployment: &mut Deployment) -> (Round, Vec<Message>) {
    let document = deployment.draft(|document| document.proof = Proof::NormV2).await;
    deployment.propose(&document).await.unwrap();
    let round = Round { verified: VerifiedRound::trusted(document).unwrap() };
    let update = vec![0.001; usize::try_from(round.document().dimension).unwrap()];
    let mut messages = Vec::new();
    for index in 0..4 {
        let epoch = round.document().credential_epoch;
        let subject = format!("participant-{index}");
        let participant = Participant::new(&deployment.registrar, &subject, epoch, &mut deployment.rng);
        let mut message = participant.contribute(&round.verified, &update, 1, &mut deployment.rng);
        if index == 0 {
            *message.prefix.proof.last_mut().unwrap() ^= 1;
            let digest = proof_digest(&message.prefix.proof);
            message = participant.amend(&message, |header| header.proof_digest = digest);
        }
        messages.push(message);
    }
    let envelopes = messages.iter().map(|message| ContributionEnvelope {
        header: HexBytes(message.header().to_bytes()),
        sealed_seeds: HexBytes(message.prefix.sealed.to_bytes()),
    });
    deployment.attest_envelopes(&round, envelopes.collect()).await.unwrap();
    (round, messages)
}

fn bytes(message: &Message) -> Vec<u8> {
    [message.prefix.to_bytes(), message.body.clone()].concat()
}

async fn release(deployment: &Deployment, round: &Round, members: &[Message]) -> Reply<Vec<u8>> {
    let members = members.iter().map(|message| message.header().hash()).collect();
    let request = ReleaseRequest::over(round.hash(), members).sign(&deployment.aggregator);
    deployment.release(round, &request).await
}

#[tokio::test]
async fn p4_a_participant_whose_proof_does_not_verify_may_be_left_out() {
    let mut deployment = Deployment::new().await;
    let (round, messages) = with_a_cheat(&mut deployment).await;
    assert_eq!(kind(release(&deployment, &round, &messages[1..]).await), ProblemKind::LeftOut);
    for _ in 0..2 {
        deployment.refuse_proof(&round, bytes(&messages[0])).await.unwrap();
    }
    release(&deployment, &round, &messages[1..]).await.unwrap();
}

#[tokio::test]
async fn p1_an_honest_participant_cannot_be_made_out_to_have_a_bad_proof() {
    let mut deployment = Deployment::new().await;
    let (round, messages) = with_a_cheat(&mut deployment).await;
    let victim = &messages[1];
    let with = |change: &dyn Fn(&mut Message)| {
        let mut message = victim.clone();
        change(&mut message);
        bytes(&message)
    };
    for (name, message, refused) in [
        ("as it is", bytes(victim), ProblemKind::InvalidParameter),
        ("another body", with(&|message| message.body[0] ^= 1), ProblemKind::DigestMismatch),
        ("another proof", with(&|message| message.prefix.proof[9] ^= 1), ProblemKind::DigestMismatch),
        ("another weight", with(&|message| message.prefix.header.weight = 2), ProblemKind::SignatureRefused),
        ("cut short", bytes(victim)[..bytes(victim).len() - 1].to_vec(), ProblemKind::LengthMismatch),
        ("too long", [bytes(victim), vec![0; 64]].concat(), ProblemKind::LengthMismatch),
        ("cut in the header", bytes(victim)[..100].to_vec(), ProblemKind::LengthMismatch),
        ("no message", vec![0xff; 100], ProblemKind::MalformedMessage),
    ] {
        assert_eq!(kind(deployment.refuse_proof(&round, message).await), refused, "{name}");
    }
    deployment.refuse_proof(&round, bytes(&messages[0])).await.unwrap();
    assert_eq!(kind(release(&deployment, &round, &messages[2..]).await), ProblemKind::CohortOutOfBounds);
    let without_victim: Vec<_> = messages.iter().filter(|m| m.header() != victim.header()).cloned().collect();
    assert_eq!(kind(release(&deployment, &round, &without_victim).await), ProblemKind::LeftOut);
    release(&deployment, &round, &messages[1..]).await.unwrap();
    assert_eq!(
        kind(deployment.refuse_proof(&round, bytes(&messages[0])).await),
        ProblemKind::RoundState,
        "the round has ended"
    );
}

#[tokio::test]
async fn a_round_without_proofs_has_no_refused_proofs() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let epoch = round.document().credential_epoch;
    let participant = Participant::new(&deployment.registrar, "a", epoch, &mut deployment.rng);
    let update = vec![0.001; usize::try_from(round.document().dimension).unwrap()];
    let message = participant.contribute(&round.verified, &update, 1, &mut deployment.rng);
    assert_eq!(kind(deployment.refuse_proof(&round, bytes(&message)).await), ProblemKind::ProofMissing);
}
