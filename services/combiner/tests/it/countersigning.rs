//! Tests of countersigning: which rounds a combiner takes part in.

use api::{ProblemKind, combiner::CombinerRoundState};
use names::PublicKey;
use protocol::{Canonical, IdentityKey, RoundDocument, Signature, roles::round::sign_document};
use sharing::RoundKeyPair;

use crate::deployment::{Deployment, HOLDER, kind};

/// Proposes a changed document and returns the rule that it broke, in the combiner's words.
async fn rule(deployment: &mut Deployment, change: impl FnOnce(&mut RoundDocument)) -> String {
    let document = deployment.draft(change).await;
    let problem = deployment.propose(&document).await.unwrap_err();
    assert_eq!(problem.kind(), Some(ProblemKind::RoundRefused));
    problem.rule.unwrap()
}

#[tokio::test]
async fn a_good_document_is_countersigned_and_again_with_the_same_signature() {
    let mut deployment = Deployment::new().await;
    let document = deployment.draft(|_| {}).await;
    let first = deployment.propose(&document).await.unwrap().countersignature;
    assert_eq!(deployment.propose(&document).await.unwrap().countersignature, first);
    let message = [document.hash().as_ref(), &[HOLDER]].concat();
    let label = names::labels::ROUND_COUNTERSIGNATURE;
    Signature(first.0).verify(&deployment.combiner, label, &message, "countersignature").unwrap();
}

#[tokio::test]
async fn p1_a_cohort_below_the_floor_is_not_countersigned() {
    let mut deployment = Deployment::new().await;
    assert_eq!(
        rule(&mut deployment, |document| document.min_cohort = 2).await,
        "min_cohort reaches the combiner's floor"
    );
}

#[tokio::test]
async fn p1_more_contributions_than_the_cap_are_not_countersigned() {
    let mut deployment = Deployment::new().await;
    let more = |document: &mut RoundDocument| {
        document.max_contributions = 9;
        let constants = masking::RoundConstants::derive(&document.request()).unwrap();
        document.scale_log2 = constants.scale_log2.try_into().unwrap();
        document.transport_bits = constants.transport_bits.try_into().unwrap();
        document.noisy_norm_bound = constants.noisy_norm_bound;
        document.scale = constants.scale;
    };
    assert_eq!(rule(&mut deployment, more).await, "max_contributions keeps to the combiner's cap");
}

#[tokio::test]
async fn a_document_with_a_changed_constant_is_refused() {
    let mut deployment = Deployment::new().await;
    let stated = "scale_log2, transport_bits, noisy_norm_bound and scale are those that the parameters give";
    assert_eq!(rule(&mut deployment, |document| document.transport_bits -= 1).await, stated);
    assert_eq!(rule(&mut deployment, |document| document.scale *= 2.0).await, stated);
    assert_eq!(rule(&mut deployment, |document| document.noisy_norm_bound += 1).await, stated);
}

#[tokio::test]
async fn p1_a_document_with_another_registrar_aggregator_or_holder_key_is_refused() {
    let mut deployment = Deployment::new().await;
    let stranger = PublicKey::from_bytes([9; 32]);
    assert_eq!(
        rule(&mut deployment, |document| document.registrar_key = stranger).await,
        "the registrar is the combiner's own"
    );
    assert_eq!(
        rule(&mut deployment, |document| document.holders[0].identity_key = stranger).await,
        "the aggregator is the pinned one"
    );
    let own = "the combiner is a holder with the key it made for this round";
    let stranger_key = *RoundKeyPair::generate(&mut deployment.rng).public();
    assert_eq!(rule(&mut deployment, |document| document.holders[1].identity_key = stranger).await, own);
    assert_eq!(
        rule(&mut deployment, |document| document.holders[1].hpke_public_key = stranger_key).await,
        own
    );
    assert_eq!(rule(&mut deployment, |document| document.holders[1].hpke_key_id = [3; 16].into()).await, own);
    let unknown = "the combiner made a key for this round";
    assert_eq!(rule(&mut deployment, |document| document.round_id = [3; 16].into()).await, unknown);
}

#[tokio::test]
async fn p1_a_key_made_for_one_round_serves_no_other() {
    let mut deployment = Deployment::new().await;
    let first = deployment.draft(|_| {}).await;
    let reused = first.holders[1].clone();
    assert_eq!(
        rule(&mut deployment, |document| document.holders[1] = reused).await,
        "the combiner is a holder with the key it made for this round"
    );
}

#[tokio::test]
async fn a_document_that_the_aggregator_did_not_sign_is_refused() {
    let mut deployment = Deployment::new().await;
    let document = deployment.draft(|_| {}).await;
    let stranger = IdentityKey::generate(&mut deployment.rng);
    let foreign = sign_document(&document, &stranger);
    let refused = deployment.propose_signed(document.to_bytes(), foreign).await;
    assert_eq!(kind(refused), ProblemKind::SignatureRefused);
    let refused = deployment.propose_signed(document.to_bytes(), Signature::BLANK).await;
    assert_eq!(kind(refused), ProblemKind::SignatureRefused);
    let signature = sign_document(&document, &deployment.aggregator);
    let mut changed = document.clone();
    changed.closes_at_ms += 1;
    let refused = deployment.propose_signed(changed.to_bytes(), signature).await;
    assert_eq!(kind(refused), ProblemKind::SignatureRefused);
    let mut longer = document.to_bytes();
    longer.push(0);
    assert_eq!(kind(deployment.propose_signed(longer, signature).await), ProblemKind::MalformedMessage);
}

#[tokio::test]
async fn p5_one_round_identifier_is_countersigned_for_one_document() {
    let mut deployment = Deployment::new().await;
    let document = deployment.draft(|_| {}).await;
    deployment.propose(&document).await.unwrap();
    let mut other = document.clone();
    other.closes_at_ms += 1;
    assert_eq!(kind(deployment.propose(&other).await), ProblemKind::RoundState);
}

#[tokio::test]
async fn p5_of_two_documents_at_once_under_one_round_identifier_one_is_countersigned() {
    let mut deployment = Deployment::new().await;
    let document = deployment.draft(|_| {}).await;
    let mut other = document.clone();
    other.model_digest = [1; 32].into();
    let (one, two) = tokio::join!(deployment.propose(&document), deployment.propose(&other));
    assert_eq!(kind(if one.is_ok() { two } else { one }), ProblemKind::RoundState);
}

#[tokio::test]
async fn one_document_proposed_twice_at_once_gets_one_signature() {
    let mut deployment = Deployment::new().await;
    for _ in 0..5 {
        let document = deployment.draft(|_| {}).await;
        let (one, two) = tokio::join!(deployment.propose(&document), deployment.propose(&document));
        assert_eq!(one.unwrap().countersignature, two.unwrap().countersignature);
    }
}

#[tokio::test]
async fn p1_of_two_rounds_for_one_model_at_once_one_is_countersigned() {
    let mut deployment = Deployment::new().await;
    let one = deployment.draft(|document| document.model_digest = [4; 32].into()).await;
    let two = deployment.draft(|document| document.model_digest = [4; 32].into()).await;
    let (one, two) = tokio::join!(deployment.propose(&one), deployment.propose(&two));
    assert_eq!(kind(if one.is_ok() { two } else { one }), ProblemKind::ModelInUse);
}

#[tokio::test]
async fn p1_a_second_open_round_for_the_same_model_is_refused() {
    let mut deployment = Deployment::new().await;
    let first = deployment.round().await;
    let model = first.document().model_digest;
    let second = deployment.draft(|document| document.model_digest = model).await;
    assert_eq!(kind(deployment.propose(&second).await), ProblemKind::ModelInUse);
    assert_eq!(deployment.abandon(&first).await.unwrap().state, CombinerRoundState::Abandoned);
    deployment.propose(&second).await.unwrap();
}

#[tokio::test]
async fn a_round_has_one_key_however_often_it_is_asked_for() {
    let deployment = Deployment::new().await;
    let (one, two) = tokio::join!(deployment.round_key([1; 16].into()), deployment.round_key([1; 16].into()));
    let (one, two) = (one.unwrap(), two.unwrap());
    let other = deployment.round_key([2; 16].into()).await.unwrap();
    assert_eq!((one.hpke_key_id, one.hpke_public_key), (two.hpke_key_id, two.hpke_public_key));
    assert_ne!(one.hpke_key_id, other.hpke_key_id);
    assert_ne!(one.hpke_public_key, other.hpke_public_key);
}
