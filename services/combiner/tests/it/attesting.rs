//! Tests of attesting: which contributions a combiner accepts and refuses at intake.

use api::{HexBytes, ProblemKind, combiner::Verdict};
use protocol::{
    Attestation, Canonical, IdentityKey, RefusedFor, SealedSeeds, SignedRefusal,
    roles::aggregator::{check_attestation, check_refusal},
};
use sharing::{SealRandomness, SealedSeed, seal};
use testbed::Envelope;

use crate::deployment::{Deployment, HOLDER, Round, kind};

fn attestation(verdict: &Verdict) -> Attestation {
    match verdict {
        Verdict::Attested(bytes) => Attestation::from_bytes(&bytes.0).unwrap(),
        Verdict::Refused { reason, .. } => panic!("refused: {}", reason.code()),
    }
}

#[track_caller]
fn reason(verdict: &Verdict) -> ProblemKind {
    match verdict {
        Verdict::Refused { reason, .. } => *reason,
        Verdict::Attested(_) => panic!("attested"),
    }
}

async fn verdict(deployment: &Deployment, round: &Round, contribution: Envelope) -> Verdict {
    deployment.attest(round, &[contribution]).await.unwrap().remove(0)
}

#[tokio::test]
async fn p4_good_contributions_are_attested() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let contributions: Vec<_> =
        ["a", "b", "c"].map(|subject| deployment.contribution(&round, subject)).into();
    let verdicts = deployment.attest(&round, &contributions).await.unwrap();
    for (contribution, verdict) in contributions.iter().zip(&verdicts) {
        check_attestation(&round.verified, HOLDER, &contribution.header, &attestation(verdict)).unwrap();
    }
    let view = deployment.view(&round).await.unwrap();
    assert_eq!((view.attested, view.refused), (3, 0));
}

#[tokio::test]
async fn p4_a_bad_share_is_refused_and_the_rest_of_the_batch_is_attested() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let good = |deployment: &mut Deployment, subject| deployment.contribution(&round, subject);
    let one = good(&mut deployment, "one");
    let another_seed =
        Envelope::new(&mut deployment.rng, &deployment.registrar, &round.verified, "cheat", 7, |seeds| {
            seeds[usize::from(HOLDER)] = [5; 32]
        });
    let two = good(&mut deployment, "two");
    // The seeds are sealed correctly, but bound to other commitments.
    let commitments = two.header.commitments.clone();
    let other_commitments = good(&mut deployment, "swap")
        .resigned(|header| header.commitments.swap_with_slice(&mut commitments.clone()));
    let mut garbage = good(&mut deployment, "garbage");
    garbage.sealed.0[usize::from(HOLDER)] = SealedSeed([1; SealedSeed::BYTES]);
    let digest = garbage.sealed.digest();
    let garbage = garbage.resigned(|header| header.sealed_digest = digest);
    let verdicts =
        deployment.attest(&round, &[one, another_seed, other_commitments, garbage, two]).await.unwrap();
    attestation(&verdicts[0]);
    for refused in &verdicts[1..4] {
        assert_eq!(reason(refused), ProblemKind::ShareRefused);
    }
    attestation(&verdicts[4]);
    let view = deployment.view(&round).await.unwrap();
    assert_eq!((view.attested, view.refused), (2, 3));
}

#[tokio::test]
async fn p5_a_replayed_header_gets_the_same_attestation() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let contribution = deployment.contribution(&round, "a");
    let first =
        attestation(&deployment.attest(&round, std::slice::from_ref(&contribution)).await.unwrap()[0]);
    let twice = vec![contribution.envelope(), contribution.envelope()];
    let (one, two) = tokio::join!(
        deployment.attest_envelopes(&round, twice.clone()),
        deployment.attest_envelopes(&round, twice)
    );
    for verdict in one.unwrap().iter().chain(&two.unwrap()) {
        assert_eq!(attestation(verdict), first);
    }
    assert_eq!(deployment.view(&round).await.unwrap().attested, 1);
}

#[tokio::test]
async fn p5_a_header_sent_twice_at_once_counts_once() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let contribution = deployment.contribution(&round, "a");
    let twice = vec![contribution.envelope(), contribution.envelope()];
    let (one, two) = tokio::join!(
        deployment.attest_envelopes(&round, twice.clone()),
        deployment.attest_envelopes(&round, twice)
    );
    assert_eq!(attestation(&one.unwrap()[1]), attestation(&two.unwrap()[0]));
    assert_eq!(deployment.view(&round).await.unwrap().attested, 1);
}

#[tokio::test]
async fn p1_a_commitment_that_the_round_has_gets_no_second_attestation() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let first = deployment.contribution(&round, "a");
    let envelope = first.envelope();
    let heavier = first.resigned(|header| header.weight = 2).envelope();
    let both = deployment.attest_envelopes(&round, vec![envelope.clone(), heavier.clone()]).await.unwrap();
    let attested = attestation(&both[0]);
    assert_eq!(reason(&both[1]), ProblemKind::CommitmentRepeated);
    let again = deployment.attest_envelopes(&round, vec![heavier, envelope]).await.unwrap();
    assert_eq!(reason(&again[0]), ProblemKind::CommitmentRepeated);
    assert_eq!(attestation(&again[1]), attested, "the same header gets its first attestation");
    let other = deployment.contribution(&round, "a");
    attestation(&verdict(&deployment, &round, other).await);
    assert_eq!(deployment.view(&round).await.unwrap().attested, 2);
}

/// A participant knows neither the seed nor the share behind the commitment of another. It cannot
/// keep the other one out by sending the commitment first.
#[tokio::test]
async fn p4_a_copied_commitment_does_not_keep_its_owner_out() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let victim = deployment.contribution(&round, "victim");
    let commitments = victim.header.commitments.clone();
    let copy = deployment.contribution(&round, "thief").resigned(|header| header.commitments = commitments);
    assert_eq!(reason(&verdict(&deployment, &round, copy).await), ProblemKind::ShareRefused);
    // The aggregator's commitment is no business of the combiner.
    let aggregators = victim.header.commitments[0];
    let mut half = deployment.contribution(&round, "half");
    half.header.commitments[0] = aggregators;
    let context = round.verified.seal_context(&half.header, HOLDER);
    let (seed, key) = (half.seeds[usize::from(HOLDER)].into(), round.verified.holder(HOLDER).unwrap());
    let randomness = SealRandomness::generate(&mut deployment.rng);
    let sealed = seal(&seed, &key.hpke_public_key, &context, &randomness).unwrap();
    half.sealed.0[usize::from(HOLDER)] = sealed;
    let digest = half.sealed.digest();
    let half = half.resigned(|header| header.sealed_digest = digest);
    attestation(&verdict(&deployment, &round, half).await);
    attestation(&verdict(&deployment, &round, victim).await);
}

#[tokio::test]
async fn p1_a_contribution_to_another_round_is_refused() {
    let mut deployment = Deployment::new().await;
    let (round, other) = (deployment.round().await, deployment.round().await);
    let foreign = deployment.contribution(&other, "a");
    assert_eq!(reason(&verdict(&deployment, &round, foreign).await), ProblemKind::WrongRound);
    // The client may sign the header again for this round, but the seed was sealed for the other
    // round.
    let foreign = deployment.contribution(&other, "a").resigned(|header| header.round_hash = round.hash());
    assert_eq!(reason(&verdict(&deployment, &round, foreign).await), ProblemKind::ShareRefused);
}

#[tokio::test]
async fn p1_a_seed_copied_from_another_participant_is_refused() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let victim = deployment.contribution(&round, "victim");
    let thief = deployment.contribution(&round, "thief");
    let (commitments, sealed) = (victim.header.commitments.clone(), victim.sealed.clone());
    let (body, digest) = (victim.header.body_digest, sealed.digest());
    let mut copy = thief.resigned(|header| {
        header.commitments = commitments;
        header.body_digest = body;
        header.sealed_digest = digest;
    });
    copy.sealed = sealed;
    assert_eq!(reason(&verdict(&deployment, &round, copy).await), ProblemKind::ShareRefused);
}

#[tokio::test]
async fn p1_a_participant_whom_the_registrar_does_not_vouch_for_is_refused() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let stranger = IdentityKey::generate(&mut deployment.rng);
    let invented = Envelope::honest(&mut deployment.rng, &stranger, &round.verified, "invented");
    assert_eq!(reason(&verdict(&deployment, &round, invented).await), ProblemKind::CredentialRefused);
    let expired =
        Envelope::new(&mut deployment.rng, &deployment.registrar, &round.verified, "old", 6, |_| {});
    assert_eq!(reason(&verdict(&deployment, &round, expired).await), ProblemKind::CredentialRefused);
}

#[tokio::test]
async fn a_header_that_was_tampered_with_is_refused() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let mut heavier = deployment.contribution(&round, "a");
    heavier.header.weight = 2;
    assert_eq!(reason(&verdict(&deployment, &round, heavier).await), ProblemKind::SignatureRefused);
    let overweight = deployment.contribution(&round, "a").resigned(|header| header.weight = 11);
    assert_eq!(reason(&verdict(&deployment, &round, overweight).await), ProblemKind::WeightOutOfRange);
    let mut resealed = deployment.contribution(&round, "a");
    resealed.sealed.0[0].0[7] ^= 1;
    assert_eq!(reason(&verdict(&deployment, &round, resealed).await), ProblemKind::DigestMismatch);
    let lonely = deployment.contribution(&round, "a").resigned(|header| {
        let extra = header.commitments[0];
        header.commitments.push(extra);
    });
    assert_eq!(reason(&verdict(&deployment, &round, lonely).await), ProblemKind::MalformedMessage);
}

#[tokio::test]
async fn bytes_that_are_no_header_are_refused_and_the_rest_of_the_batch_is_attested() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let mut no_header = deployment.contribution(&round, "a").envelope();
    no_header.header.0.truncate(100);
    let mut no_seeds = deployment.contribution(&round, "b").envelope();
    no_seeds.sealed_seeds = HexBytes(vec![0; 81]);
    let good = deployment.contribution(&round, "c").envelope();
    let verdicts = deployment.attest_envelopes(&round, vec![no_header, no_seeds, good]).await.unwrap();
    assert_eq!(reason(&verdicts[0]), ProblemKind::MalformedMessage);
    assert_eq!(reason(&verdicts[1]), ProblemKind::MalformedMessage);
    attestation(&verdicts[2]);
}

#[tokio::test]
async fn p5_a_participant_has_as_many_attempts_as_the_document_says_whatever_keys_it_uses() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let attempts: Vec<_> = (0..3).map(|_| deployment.contribution(&round, "a")).collect();
    let verdicts = deployment.attest(&round, &attempts).await.unwrap();
    attestation(&verdicts[0]);
    attestation(&verdicts[1]);
    assert_eq!(reason(&verdicts[2]), ProblemKind::AttemptsExhausted);
    let later = deployment.contribution(&round, "a");
    assert_eq!(reason(&verdict(&deployment, &round, later).await), ProblemKind::AttemptsExhausted);
    let replayed = deployment.attest(&round, &attempts[..1]).await.unwrap();
    assert_eq!(attestation(&replayed[0]), attestation(&verdicts[0]));
    let other = deployment.contribution(&round, "b");
    attestation(&verdict(&deployment, &round, other).await);
}

#[tokio::test]
async fn p5_attempts_are_counted_when_they_come_at_once() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let attempts: Vec<_> = (0..4).map(|_| deployment.contribution(&round, "a")).collect();
    let (a, b, c, d) = tokio::join!(
        deployment.attest(&round, &attempts[..1]),
        deployment.attest(&round, &attempts[1..2]),
        deployment.attest(&round, &attempts[2..3]),
        deployment.attest(&round, &attempts[3..])
    );
    let verdicts = [a, b, c, d].map(|reply| reply.unwrap().remove(0));
    let attested = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Attested(_))).count();
    assert_eq!(attested, 2);
}

#[tokio::test]
async fn p1_nothing_is_attested_after_the_release() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    deployment.release_over(&round, &members).await.unwrap();
    let late = deployment.contribution(&round, "late");
    assert_eq!(kind(deployment.attest(&round, &[late]).await), ProblemKind::RoundState);
}

#[tokio::test]
async fn a_batch_has_a_limit_and_an_empty_one_has_no_verdicts() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let envelope = deployment.contribution(&round, "a").envelope();
    let problem = deployment.attest_envelopes(&round, vec![envelope; 65]).await.unwrap_err();
    assert_eq!(problem.kind(), Some(ProblemKind::InvalidParameter));
    assert_eq!(
        (problem.field.as_deref(), problem.rule.as_deref()),
        (Some("contributions"), Some("at most 64"))
    );
    assert!(deployment.attest_envelopes(&round, Vec::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn p1_no_opened_seed_is_in_the_database() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    deployment.release_over(&round, &members).await.unwrap();
    let mut connection = deployment.connect().await;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT a::TEXT FROM attestations AS a UNION ALL SELECT r::TEXT FROM releases AS r
         UNION ALL SELECT d::TEXT FROM rounds AS d UNION ALL SELECT k::TEXT FROM round_keys AS k",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(rows.len(), 3 + 1 + 1 + 1);
    for member in &members {
        let seed = api::Hex(member.seeds[usize::from(HOLDER)]).to_string();
        assert!(rows.iter().all(|row| !row.contains(&seed)));
        assert!(rows.iter().any(|row| row.contains(&member.header.hash().to_string())), "hex is searched");
    }
}

fn refusal(verdict: &Verdict) -> SignedRefusal {
    match verdict {
        Verdict::Refused { refusal: Some(bytes), .. } => SignedRefusal::from_bytes(&bytes.0).unwrap(),
        other => panic!("no signed refusal: {other:?}"),
    }
}

#[tokio::test]
async fn p5_every_refusal_of_a_header_that_decodes_is_signed_with_its_reason() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let mut garbage = deployment.contribution(&round, "garbage");
    garbage.sealed.0[usize::from(HOLDER)] = SealedSeed([1; SealedSeed::BYTES]);
    let digest = garbage.sealed.digest();
    let garbage = garbage.resigned(|header| header.sealed_digest = digest);
    let first = deployment.contribution(&round, "a");
    let attempts: Vec<_> = (0..3).map(|_| deployment.contribution(&round, "b")).collect();
    let envelope = first.envelope();
    let heavier = first.resigned(|header| header.weight = 2);
    deployment.attest_envelopes(&round, vec![envelope]).await.unwrap();
    deployment.attest(&round, &attempts[..2]).await.unwrap();
    for (contribution, expected) in [
        (&garbage, RefusedFor::Share),
        (&heavier, RefusedFor::Commitment),
        (&attempts[2], RefusedFor::Attempts),
    ] {
        let asked = || deployment.attest_envelopes(&round, vec![contribution.envelope()]);
        let signed = refusal(&asked().await.unwrap()[0]);
        assert_eq!(signed.reason, expected);
        check_refusal(&round.verified, HOLDER, &contribution.header, &signed).unwrap();
        assert_eq!(refusal(&asked().await.unwrap()[0]), signed, "the same verdict each time");
    }
}

#[tokio::test]
async fn p5_a_refusal_names_the_bytes_that_the_combiner_received() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let contribution = deployment.contribution(&round, "a");
    for sealed in [Vec::new(), vec![7; 5], contribution.sealed.to_bytes()[1..].to_vec()] {
        let mut envelope = contribution.envelope();
        envelope.sealed_seeds = HexBytes(sealed.clone());
        let signed = refusal(&deployment.attest_envelopes(&round, vec![envelope]).await.unwrap()[0]);
        assert_eq!(signed.reason, RefusedFor::Rule);
        assert_eq!(signed.sealed_digest, SealedSeeds::digest_of(&sealed));
        check_refusal(&round.verified, HOLDER, &contribution.header, &signed).unwrap_err();
    }
    let mut envelope = contribution.envelope();
    envelope.header.0.truncate(9);
    let verdicts = deployment.attest_envelopes(&round, vec![envelope]).await.unwrap();
    assert!(matches!(verdicts[0], Verdict::Refused { refusal: None, .. }), "there is no header to name");
    attestation(&verdict(&deployment, &round, contribution).await);
}
