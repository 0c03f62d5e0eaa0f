//! Games about the company: an aggregator names sets that leave participants out.

use api::{HexBytes, ProblemKind, combiner::Verdict};
use protocol::{Canonical, Holder, IdentityKey, RefusedFor, Signature, Signed, SignedRefusal, VerifiedRound};
use sharing::RoundKeyPair;
use testbed::Envelope;

use crate::deployment::{Deployment, Round, kind};

/// The index of another combiner of the round.
const OTHER: u8 = 2;

/// Attests `count` contributions in a round with another combiner, whose key is returned.
async fn with_another(deployment: &mut Deployment, count: usize) -> (Round, Vec<Envelope>, IdentityKey) {
    let other = IdentityKey::generate(&mut deployment.rng);
    let key = RoundKeyPair::generate(&mut deployment.rng);
    let holder =
        Holder { identity_key: other.public(), hpke_key_id: *key.id(), hpke_public_key: *key.public() };
    let document = deployment.draft(|_| {}).await;
    let document = testbed::RoundBuilder::new(
        deployment.registrar.public(),
        document.holders.iter().cloned().chain([holder]).collect(),
    )
    .set(|new| {
        new.max_contributions = 8;
        (new.round_id, new.model_digest) = (document.round_id, document.model_digest);
        new.mask_seed = document.mask_seed;
        (new.opens_at_ms, new.earliest_close_ms) = (document.opens_at_ms, document.earliest_close_ms);
        (new.closes_at_ms, new.attest_by_ms) = (document.closes_at_ms, document.attest_by_ms);
        new.release_by_ms = document.release_by_ms;
    })
    .document();
    deployment.propose(&document).await.unwrap();
    let round = Round { verified: VerifiedRound::trusted(document).unwrap() };
    let members: Vec<_> =
        (0..count).map(|index| deployment.contribution(&round, &format!("participant-{index}"))).collect();
    let verdicts = deployment.attest(&round, &members).await.unwrap();
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Attested(_))), "{verdicts:?}");
    (round, members, other)
}

fn refusal(round: &Round, holder: u8, by: &IdentityKey, of: &Envelope) -> SignedRefusal {
    let refusal = SignedRefusal {
        round_hash: round.hash(),
        header_hash: of.header.hash(),
        sealed_digest: of.header.sealed_digest,
        holder,
        reason: RefusedFor::Share,
        signature: Signature::BLANK,
    };
    refusal.sign(by)
}

/// Asks for the sum over these members, with signed refusals.
async fn release_with(
    deployment: &Deployment,
    round: &Round,
    members: &[Envelope],
    refusals: &[SignedRefusal],
) -> Result<Vec<u8>, ProblemKind> {
    let request = deployment.request(round, &members.iter().collect::<Vec<_>>());
    let refusals: Vec<_> = refusals.iter().map(|refusal| HexBytes(refusal.to_bytes())).collect();
    let reply = deployment.release_with(round, &request, &refusals).await;
    reply.map_err(|problem| problem.kind().unwrap())
}

#[tokio::test]
async fn p1_an_aggregator_that_hides_half_the_participants_gets_nothing() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(6).await;
    let problem = deployment.release_over(&round, &members[..3]).await.unwrap_err();
    assert_eq!((problem.kind(), problem.status), (Some(ProblemKind::LeftOut), 409));
    let detail = problem.detail.unwrap();
    assert!(detail.contains("of 6 with weight 6 in all"), "{detail}");
    assert!(detail.contains("leaves out 3 with weight 3, at most 0 with weight 0"), "{detail}");
    let mut hidden: Vec<_> = members[3..].iter().map(|member| member.header.hash()).collect();
    let mut shown = deployment.view(&round).await.unwrap().waiting_for;
    hidden.sort_unstable();
    shown.sort_unstable();
    assert_eq!(shown, hidden);
    assert!(deployment.vault.exists(&round.vault_name()).unwrap());
    deployment.release_over(&round, &members).await.unwrap();
    assert!(deployment.view(&round).await.unwrap().waiting_for.is_empty());
}

/// One dishonest server and two participants, of a cohort of three at least. Each set that isolates
/// the victim leaves out the other five.
#[tokio::test]
async fn p1_a_server_with_min_cohort_less_one_participants_cannot_isolate_a_victim_among_eight() {
    let mut deployment = Deployment::new().await;
    let (round, members, _) = with_another(&mut deployment, 8).await;
    assert_eq!(round.document().min_cohort, 3);
    for victim in 2..8 {
        let set = [&members[0], &members[1], &members[victim]];
        let request = deployment.request(&round, &set);
        assert_eq!(kind(deployment.release(&round, &request).await), ProblemKind::LeftOut);
    }
    for without in 0..8 {
        let set: Vec<_> = (0..8).filter(|&index| index != without).map(|index| &members[index]).collect();
        let request = deployment.request(&round, &set);
        assert_eq!(kind(deployment.release(&round, &request).await), ProblemKind::LeftOut);
    }
    deployment.release_over(&round, &members).await.unwrap();
}

#[tokio::test]
async fn p1_a_set_may_leave_out_as_many_as_the_policy_says_and_not_one_more() {
    let mut deployment = Deployment::new().await;
    deployment.max_left_out = 125;
    deployment.restart().await;
    let (round, members, _) = with_another(&mut deployment, 8).await;
    assert_eq!(kind(deployment.release_over(&round, &members[2..]).await), ProblemKind::LeftOut);
    deployment.release_over(&round, &members[1..]).await.unwrap();
}

#[tokio::test]
async fn p1_another_combiners_refusals_excuse_a_quarter_and_not_one_more() {
    let mut deployment = Deployment::new().await;
    let (round, members, other) = with_another(&mut deployment, 8).await;
    let refusals: Vec<_> = members.iter().map(|member| refusal(&round, OTHER, &other, member)).collect();
    let left_out = Err(ProblemKind::LeftOut);
    assert_eq!(release_with(&deployment, &round, &members[3..], &refusals).await, left_out);
    assert_eq!(release_with(&deployment, &round, &members[2..], &refusals[1..]).await, left_out);
    release_with(&deployment, &round, &members[2..], &refusals).await.unwrap();
}

/// A participant seals noise to this combiner and hands over its receipt.
#[tokio::test]
async fn p4_a_participant_whose_share_this_combiner_refused_holds_up_nobody() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let another_seed = |seeds: &mut Vec<[u8; 32]>| seeds[usize::from(crate::deployment::HOLDER)] = [5; 32];
    let (rng, registrar) = (&mut deployment.rng, &deployment.registrar);
    let cheat = Envelope::new(rng, registrar, &round.verified, "cheat", testbed::EPOCH, another_seed);
    let receipt = deployment.receipt(&round, &cheat);
    deployment.hand_over(&round, &cheat, &receipt).await.unwrap();
    let verdict = deployment.attest(&round, std::slice::from_ref(&cheat)).await.unwrap().remove(0);
    let Verdict::Refused { refusal: Some(HexBytes(refusal)), .. } = verdict else { panic!("{verdict:?}") };
    let refusal = SignedRefusal::from_bytes(&refusal).unwrap();
    assert_eq!(release_with(&deployment, &round, &members, &[]).await, Err(ProblemKind::LeftOut));
    let forged = SignedRefusal { reason: RefusedFor::Rule, ..refusal.clone() };
    assert_eq!(release_with(&deployment, &round, &members, &[forged]).await, Err(ProblemKind::LeftOut));
    release_with(&deployment, &round, &members, &[refusal]).await.unwrap();
}

#[tokio::test]
async fn p1_a_false_excuse_does_not_count() {
    let mut deployment = Deployment::new().await;
    let (round, members, other) = with_another(&mut deployment, 8).await;
    let stranger = IdentityKey::generate(&mut deployment.rng);
    let victim = &members[0];
    let good = refusal(&round, OTHER, &other, victim);
    for (name, excuse) in [
        ("by the aggregator", refusal(&round, 0, &deployment.aggregator, victim)),
        ("by a stranger", good.clone().sign(&stranger)),
        ("for another header", SignedRefusal { header_hash: members[1].header.hash(), ..good.clone() }),
        ("tampered", SignedRefusal { reason: RefusedFor::Rule, ..good.clone() }),
        ("as the combiner itself", refusal(&round, crate::deployment::HOLDER, &other, victim)),
    ] {
        let refused = release_with(&deployment, &round, &members[1..], &[excuse]).await;
        assert_eq!(refused, Err(ProblemKind::LeftOut), "{name}");
    }
    let request = deployment.request(&round, &members[1..].iter().collect::<Vec<_>>());
    let noise = [HexBytes(vec![1, 2, 3]), HexBytes(good.to_bytes())];
    deployment.release_with(&round, &request, &noise).await.unwrap();
}

#[tokio::test]
async fn p1_attesting_beside_the_first_naming_is_in_the_company_or_refused() {
    let mut deployment = Deployment::new().await;
    for _ in 0..4 {
        let (round, mut members) = deployment.attested(4).await;
        members.push(deployment.contribution(&round, "late"));
        let (released, attested) = tokio::join!(
            deployment.release_over(&round, &members[..4]),
            deployment.attest(&round, &members[4..])
        );
        match attested {
            Ok(verdicts) => {
                assert!(matches!(verdicts[..], [Verdict::Attested(_)]), "{verdicts:?}");
                assert_eq!(kind(released), ProblemKind::LeftOut);
                deployment.release_over(&round, &members).await.unwrap();
            }
            Err(problem) => {
                assert_eq!(problem.kind(), Some(ProblemKind::RoundState));
                released.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn p1_the_company_stays_fixed_after_a_crash_between_naming_and_release() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(4).await;
    let late = deployment.contribution(&round, "late");
    let receipt = deployment.receipt(&round, &late);
    assert_eq!(kind(deployment.release_over(&round, &members[1..]).await), ProblemKind::LeftOut);
    deployment.restart().await;
    let attested = deployment.attest(&round, std::slice::from_ref(&late)).await;
    assert_eq!(kind(attested), ProblemKind::RoundState);
    assert_eq!(kind(deployment.hand_over(&round, &late, &receipt).await), ProblemKind::RoundState);
    assert_eq!(deployment.view(&round).await.unwrap().waiting_for, [members[0].header.hash()]);
    assert_eq!(kind(deployment.release_over(&round, &members[1..]).await), ProblemKind::LeftOut);
    deployment.release_over(&round, &members).await.unwrap();
}

#[tokio::test]
async fn p1_a_request_that_is_not_authentic_names_nothing() {
    let mut deployment = Deployment::new().await;
    let (round, mut members) = deployment.attested(3).await;
    let stranger = IdentityKey::generate(&mut deployment.rng);
    let forged = deployment.request(&round, &members.iter().collect::<Vec<_>>()).sign(&stranger);
    assert_eq!(kind(deployment.release(&round, &forged).await), ProblemKind::SignatureRefused);
    let late = deployment.contribution(&round, "late");
    members.push(late);
    assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::NotAttested);
    deployment.attest(&round, &members[3..]).await.unwrap();
    deployment.release_over(&round, &members).await.unwrap();
}
