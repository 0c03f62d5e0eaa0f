//! Results, sums and proofs of inclusion: accepted when genuine, refused when altered.

use api::{contributions::InclusionView, rounds::ResultView};
use axum::response::IntoResponse;
use names::HeaderHash;
use protocol::{
    Canonical, IdentityKey, Receipt, Refusal, RoundResult, Signature, Signed, SumDigester, VerifiedRound,
    chunk_digest, set_root,
};

use super::server::{DIMENSION, Parties, Server, client, id, json};
use crate::ClientError;

/// A published result over two members.
struct Published {
    round: VerifiedRound,
    members: [HeaderHash; 2],
    sum: Vec<i64>,
    result: RoundResult,
}

impl Published {
    fn new(parties: &Parties) -> Self {
        let round = parties.round(1);
        let members = [[1; 32], [2; 32]].map(HeaderHash::from);
        let sum: Vec<i64> = (0..round.constants().padded_dimension as i64).map(|k| 1000 - k).collect();
        let mut digester = SumDigester::default();
        digester.push(&chunk_digest(&bytes(&sum)));
        let result = RoundResult {
            round_hash: *round.hash(),
            root: set_root(&members),
            count: 2,
            total_weight: 5,
            sum_digest: digester.finish(),
            residual_max: 0,
            signature: Signature::BLANK,
        };
        Self { round, members, sum, result: result.sign(&parties.aggregator) }
    }

    fn view(&self, result: &RoundResult) -> ResultView {
        ResultView {
            round_id: id(1),
            round_hash: result.round_hash,
            root: result.root,
            count: result.count,
            total_weight: result.total_weight,
            sum_digest: result.sum_digest,
            residual_max: 0,
            mean_norm: 0.0,
            tensors: vec![],
            result: result.to_bytes().into(),
            published_at_ms: 0,
        }
    }

    fn receipt(&self, member: usize) -> Receipt {
        Receipt {
            round_hash: *self.round.hash(),
            contribution_id: [9; 16].into(),
            header_hash: self.members[member],
            received_at_ms: 0,
            included_by_ms: 0,
            signature: Signature::BLANK,
        }
    }

    fn inclusion(&self) -> InclusionView {
        let proof = ledger::prove(&self.members, 1).unwrap();
        InclusionView {
            root: self.result.root,
            header_hash: self.members[1],
            index: proof.index(),
            size: proof.size(),
            path: proof.path().to_vec(),
            result: self.result.to_bytes().into(),
        }
    }
}

fn bytes(sum: &[i64]) -> Vec<u8> {
    sum.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[tokio::test]
async fn a_sum_is_checked_and_divided() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let published = Published::new(&parties);
    for _ in 0..2 {
        let (view, sum) = (published.view(&published.result), bytes(&published.sum));
        server.then(move |_| json(&view)).then(move |_| sum.into_response());
    }
    let sum = client.result_sum(&published.round).await.unwrap();
    assert_eq!((&sum.values, &sum.result), (&published.sum, &published.result));
    let mean = client.result_mean(&published.round).await.unwrap();
    assert_eq!(mean.len(), DIMENSION);
    let scale = published.round.constants().scale;
    assert_eq!(mean[7], (993.0 / (scale * 5.0)) as f32);
}

#[tokio::test]
async fn a_sum_that_is_not_the_signed_one_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let published = Published::new(&parties);
    let mut tampered = published.sum.clone();
    tampered[4095] += 1;
    for (sum, expected) in [(bytes(&tampered), "sum_digest"), (bytes(&published.sum[1..]), "length")] {
        let view = published.view(&published.result);
        server.then(move |_| json(&view)).then(move |_| sum.into_response());
        let refused = client.result_sum(&published.round).await;
        assert!(
            matches!(refused, Err(ClientError::Mismatch { field, .. }) if field == expected),
            "{expected}"
        );
    }
}

#[tokio::test]
async fn a_result_that_is_not_the_rounds_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let published = Published::new(&parties);
    let other_key = IdentityKey::generate(&mut rand::rngs::OsRng);
    let of_another_round = RoundResult { round_hash: [7; 32].into(), ..published.result.clone() };
    let of_one = RoundResult { count: 1, ..published.result.clone() };
    let views = [
        published.view(&published.result.clone().sign(&other_key)),
        published.view(&of_another_round.sign(&parties.aggregator)),
        published.view(&of_one.sign(&parties.aggregator)),
    ];
    let mut errors = Vec::new();
    for view in views {
        server.then(move |_| json(&view));
        errors.push(client.result(&published.round).await.unwrap_err());
    }
    assert!(matches!(errors[0], ClientError::Refused { source: Refusal::Signature { of: "result" }, .. }));
    assert!(matches!(errors[1], ClientError::Mismatch { field: "round_hash", .. }));
    assert!(matches!(errors[2], ClientError::Refused { source: Refusal::Cohort { count: 1, .. }, .. }));
}

#[tokio::test]
async fn inclusion_is_proven_for_the_receipts_header_only() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let published = Published::new(&parties);
    let genuine = published.inclusion();
    server.then(move |_| json(&genuine));
    let result = client.inclusion(&published.round, &published.receipt(1)).await.unwrap();
    assert_eq!(result, published.result);

    let mut other_leaf = published.inclusion();
    other_leaf.path[0] = [0; 32].into();
    let mut other_size = published.inclusion();
    other_size.size = 3;
    let mut short = published.inclusion();
    short.path.clear();
    let cases = [
        (published.inclusion(), 0, "root"),
        (other_leaf, 1, "root"),
        (other_size, 1, "size"),
        (short, 1, "path"),
    ];
    for (view, member, expected) in cases {
        server.then(move |_| json(&view));
        let refused = client.inclusion(&published.round, &published.receipt(member)).await;
        assert!(
            matches!(refused, Err(ClientError::Mismatch { field, .. }) if field == expected),
            "{expected}"
        );
    }
}
