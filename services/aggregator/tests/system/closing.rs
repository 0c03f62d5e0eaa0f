//! Tests of rounds from the first upload to the audit bundle.

use api::{
    bundle::Bundle,
    contributions::{ContributionState, InclusionView},
    paths,
    rounds::{FailureCode, ResultView, RoundState, RoundView},
};
use lattice::backend::cpu::CpuBackend;
use ledger::InclusionProof;
use masking::{ChunkSum, unmask_chunk};
use names::HeaderHash;
use protocol::{
    Attestation, BodyDigester, Canonical, ContributionHeader, ReleaseAnswer, RoundResult, Signature, Signed,
    SignedDocument, SumDigester, check_member, chunk_digest,
    roles::aggregator::{check_answer, check_attestation, sum_key},
    set_root,
};

use crate::{
    deployment::{Deployment, OpenRound, Settings, now_ms},
    participant::{Message, Participant},
};

/// Opens a round and uploads one contribution for each value. The weights are 1, 2 and so on.
async fn contributed(deployment: &Deployment, values: &[f32]) -> (OpenRound, Vec<Message>) {
    let round = deployment.open_round().await;
    let mut messages = Vec::new();
    for (weight, value) in (1..).zip(values) {
        let participant = Participant::enrolled(deployment, &format!("hospital-{weight}")).await;
        let message = participant.contribute(&round, *value, weight);
        message.upload(deployment, &round).await;
        messages.push(message);
    }
    (round, messages)
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_ends_with_the_weighted_mean() {
    let deployment = Deployment::with(Settings { combiners: 2, ..Settings::default() }).await;
    let (round, messages) = contributed(&deployment, &[0.01, -0.02, 0.03]).await;
    let closed = deployment.close(&round).await;
    assert_ne!(closed.state, RoundState::Open);
    let published = deployment.reach(&round, RoundState::Published).await;
    assert_eq!((published.progress.included, published.chunks.folded, published.chunks.unmasked), (3, 1, 1));

    let mean = deployment.get(&paths::fill(paths::RESULT_MEAN, &[&round.id])).await;
    assert_eq!(mean.headers["content-length"], (4 * 2001).to_string());
    let expected = (0.01 - 2.0 * 0.02 + 3.0 * 0.03) / 6.0;
    assert_eq!(floats(&mean.bytes).len(), 2001);
    for value in floats(&mean.bytes) {
        assert!((value - expected).abs() < 1e-3, "{value} instead of {expected}");
    }
    let result: ResultView = deployment.get(&paths::fill(paths::RESULT, &[&round.id])).await.json();
    assert_eq!((result.count, result.total_weight, result.tensors.len()), (3, 6, 2));
    assert!((result.tensors[0].mean - f64::from(expected)).abs() < 1e-4, "{:?}", result.tensors[0]);
    assert!((result.mean_norm - f64::from(expected) * 2001f64.sqrt()).abs() < 1e-2, "{}", result.mean_norm);

    for message in &messages {
        assert_eq!(message.show(&deployment, &round).await.state, ContributionState::Included);
    }
    deployment.until_no_keys().await;
}

/// Checks everything that an auditor checks, with public data only.
#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_recomputes_the_sum() {
    let deployment = Deployment::with(Settings { combiners: 2, ..Settings::default() }).await;
    let (round, _) = contributed(&deployment, &[0.01, -0.02, 0.03]).await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    let bundle: Bundle = deployment.get(&paths::fill(paths::BUNDLE, &[&round.id])).await.json();

    let signed = SignedDocument {
        document: bundle.document.0,
        aggregator_signature: Signature(bundle.aggregator_signature.0),
        countersignatures: bundle.countersignatures.iter().map(|signature| Signature(signature.0)).collect(),
    };
    let verified = signed.verify(&deployment.pins).unwrap();
    let result = RoundResult::from_bytes(&bundle.result.0).unwrap();
    result.verify(&deployment.pins.aggregator).unwrap();
    assert_eq!(bundle.aggregator_key, deployment.pins.aggregator);

    let (mut headers, mut bodies) = (Vec::new(), Vec::new());
    for member in &bundle.members {
        let header = ContributionHeader::from_bytes(&member.header.0).unwrap();
        verified.check_header(&header).unwrap();
        assert_eq!(header.contribution_id, member.contribution_id);
        for (holder, attestation) in (1..).zip(&member.attestations) {
            let attestation = Attestation::from_bytes(&attestation.0).unwrap();
            check_attestation(&verified, holder, &header, &attestation).unwrap();
        }
        assert_eq!(member.attestations.len(), 2);
        let path = paths::fill(paths::CONTRIBUTION_BODY, &[&round.id, &member.contribution_id]);
        let body = deployment.get(&path).await.bytes;
        let mut digester = BodyDigester::new(verified.constants());
        digester.push(&body).unwrap();
        assert_eq!(digester.finish().unwrap(), header.body_digest);
        headers.push(header);
        bodies.push(body);
    }
    let hashes: Vec<HeaderHash> = headers.iter().map(ContributionHeader::hash).collect();
    assert!(hashes.is_sorted());
    assert_eq!(set_root(&hashes), result.root);

    let answers: Vec<_> =
        bundle.answers.iter().map(|bytes| ReleaseAnswer::from_bytes(&bytes.0).unwrap()).collect();
    assert_eq!(answers.iter().map(|answer| answer.holder).collect::<Vec<_>>(), [0, 1, 2]);
    for answer in &answers {
        check_answer(&verified, &headers, answer).unwrap();
    }
    let backend = CpuBackend::new();
    let packed: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
    let sum =
        ChunkSum::new(verified.constants(), 0).unwrap().add(&backend, verified.constants(), &packed).unwrap();
    let seed = &verified.document().mask_seed;
    let unmasked =
        unmask_chunk(&backend, verified.constants(), seed, &sum_key(&verified, &answers).unwrap(), &sum)
            .unwrap();
    let recomputed: Vec<u8> = unmasked.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
    assert_eq!(deployment.get(&paths::fill(paths::RESULT_SUM, &[&round.id])).await.bytes, recomputed);
    let mut digester = SumDigester::default();
    digester.push(&chunk_digest(&recomputed));
    assert_eq!(digester.finish(), result.sum_digest);
    assert_eq!(unmasked.residual_max, result.residual_max);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_gets_a_proof_of_inclusion() {
    let deployment = Deployment::start().await;
    let (round, messages) = contributed(&deployment, &[0.01, 0.02, 0.03, 0.04, 0.05]).await;
    let path = |message: &Message| paths::fill(paths::CONTRIBUTION_INCLUSION, &[&round.id, &message.id()]);
    deployment.get(&path(&messages[0])).await.refused(api::ProblemKind::NotReady);
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    for message in &messages {
        let inclusion: InclusionView = deployment.get(&path(message)).await.json();
        let siblings = inclusion.path;
        let proof = InclusionProof::new(inclusion.index, inclusion.size, siblings).unwrap();
        let result = RoundResult::from_bytes(&inclusion.result.0).unwrap();
        result.verify(&deployment.pins.aggregator).unwrap();
        check_member(&result.root, &message.prefix.header.hash(), &proof).unwrap();
        assert_eq!(u64::from(result.count), inclusion.size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_round_closes_by_itself() {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    plan.max_contributions = 2;
    let round = deployment.open_planned(&plan).await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    deployment.reach(&round, RoundState::Published).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_closes_at_its_time_and_not_before_its_earliest() {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    plan.max_contributions = 2;
    plan.closes_at_ms = now_ms() + 6_000;
    plan.earliest_close_ms = Some(plan.closes_at_ms);
    let round = deployment.open_planned(&plan).await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    let refused = deployment.post(&paths::fill(paths::ROUND_CLOSE, &[&round.id]), &()).await;
    refused.refused(api::ProblemKind::RoundState);
    let verified = deployment.until(&round, |view| view.progress.verified == 2 || view.root.is_some()).await;
    if now_ms() < plan.closes_at_ms {
        assert_eq!(verified.state, RoundState::Open);
    }
    let published = deployment.reach(&round, RoundState::Published).await;
    assert!(now_ms() >= plan.closes_at_ms);
    assert_eq!(published.progress.included, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_below_min_cohort_fails_visibly() {
    let deployment = Deployment::start().await;
    let (round, messages) = contributed(&deployment, &[0.01]).await;
    deployment.close(&round).await;
    let failed = deployment.reach(&round, RoundState::Failed).await;
    assert_eq!(failed.failure, Some(FailureCode::CohortTooSmall.into()));
    let contribution = messages[0].show(&deployment, &round).await;
    assert_eq!(contribution.state, ContributionState::Excluded);
    assert_eq!(contribution.reason.as_deref(), Some("round-ended"));
    deployment.until_abandoned(&round).await;
    deployment.get(&paths::fill(paths::RESULT, &[&round.id])).await.refused(api::ProblemKind::NotReady);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_round_leaves_no_key_and_no_bodies() {
    let deployment = Deployment::start().await;
    let (round, messages) = contributed(&deployment, &[0.01, 0.02]).await;
    let cancelled: RoundView = deployment.cancel(&round).await.json();
    assert_eq!((cancelled.state, cancelled.progress.excluded), (RoundState::Cancelled, 2));
    assert_eq!(messages[0].show(&deployment, &round).await.reason.as_deref(), Some("round-ended"));
    deployment.until_abandoned(&round).await;
    messages[1].put(&deployment, &round).await;
    let late = Participant::enrolled(&deployment, "late").await.contribute(&round, 0.01, 1);
    late.put(&deployment, &round).await.refused(api::ProblemKind::RoundNotOpen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_round_cannot_be_cancelled() {
    let deployment = Deployment::start().await;
    let (round, _) = contributed(&deployment, &[0.01, 0.02]).await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    deployment.cancel(&round).await.refused(api::ProblemKind::RoundState);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_bodies_in_the_sum_remain() {
    let deployment = Deployment::start().await;
    let (round, messages) = contributed(&deployment, &[0.01, 0.02]).await;
    let spoilt = Participant::enrolled(&deployment, "spoilt").await;
    let spoilt = spoilt.spoil_seed(&spoilt.contribute(&round, 0.01, 1), 1);
    spoilt.upload(&deployment, &round).await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    deployment.until_no_keys().await;
    crate::deployment::eventually("objects to be removed", async || {
        (deployment.objects(&round.folder()).len() == messages.len() + 1).then_some(())
    })
    .await;
    let body = |message: &Message| paths::fill(paths::CONTRIBUTION_BODY, &[&round.id, &message.id()]);
    assert_eq!(deployment.get(&body(&messages[0])).await.bytes, messages[0].body);
    deployment.get(&body(&spoilt)).await.refused(api::ProblemKind::NotFound);
}
