//! Lists of payouts and batches are read to the last page. The contents of a batch are compared
//! with its root.

use api::{
    participants::Page,
    payouts::{Amount, Batch, Payout, PayoutPolicy},
};
use axum::response::IntoResponse;
use ledger::payout_tree::{Payment, PayoutTree};

use super::server::{Parties, Server, client, id, json};
use crate::{Address, ClientError};

fn payout(subject: &str) -> Payout {
    Payout {
        round_id: id(1),
        contribution_id: [2; 16].into(),
        subject: subject.parse().unwrap(),
        policy: PayoutPolicy::Equal,
        pool: Amount(10),
        asset: "points".to_owned(),
        weight: 1,
        score_ppm: 1_000_000,
        reputation_ppm: 500_000,
        amount: Amount(5),
    }
}

fn address(byte: u8) -> Address {
    Address::from_bytes([byte; 20])
}

/// Two balances at one address, one at another.
fn tree() -> PayoutTree {
    let payment = |byte, amount| Payment { address: address(byte), amount };
    PayoutTree::new(vec![payment(1, 7), payment(2, 5)]).unwrap()
}

fn csv() -> String {
    let (one, two) = (address(1), address(2));
    format!("subject,address,amount\na,{one},3\nb,{two},5\nc,{one},4\n")
}

fn batch(batch_id: u64) -> Batch {
    Batch {
        batch_id,
        round_id: Some(id(1)),
        asset: "eip155:1/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3".to_owned(),
        root: tree().root(),
        lines: 3,
        total: Amount(12),
        made_at_ms: 5,
        payment: (batch_id == 1).then(|| "0xabc".to_owned()),
    }
}

#[tokio::test]
async fn payouts_are_read_to_the_last_page() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    server.then(|_| json(&Page { items: vec![payout("a"), payout("b")], next: Some("b".to_owned()) }));
    server.then(|_| json(&Page { items: vec![payout("c")], next: None }));
    let subjects: Vec<_> =
        client.payouts(id(1)).await.unwrap().into_iter().map(|payout| payout.subject).collect();
    assert_eq!(subjects, ["a", "b", "c"]);
    let path = format!("/v1/rounds/{}/payouts?limit=1000", id(1));
    let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, [path.clone(), format!("{path}&after=b")]);
}

#[tokio::test]
async fn batches_are_read_to_the_last_page() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    server.then(|_| json(&Page { items: vec![batch(1)], next: Some("1".to_owned()) }));
    server.then(|_| json(&Page { items: vec![batch(2)], next: None }));
    let batches = client.batches().await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.batch_id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(batches[0].payment.as_deref(), Some("0xabc"));
    let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/v1/payouts/batches?limit=1000", "/v1/payouts/batches?limit=1000&after=1"]);
}

#[tokio::test]
async fn a_batch_is_taken_only_with_the_root_that_it_states() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    server.then(|_| json(&batch(1))).then(|_| json(&tree().dump()));
    assert_eq!(client.batch_tree(1).await.unwrap(), tree().dump());
    server.then(|_| json(&batch(1))).then(|_| csv().into_response());
    assert_eq!(client.batch_csv(1).await.unwrap(), csv());
    let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    let path = "/v1/payouts/batches/1";
    assert_eq!(paths, [path, &format!("{path}/tree"), path, &format!("{path}/csv")]);

    let other = Payment { address: address(3), amount: 12 };
    let other = PayoutTree::new(vec![other]).unwrap().dump();
    let mut inconsistent = tree().dump();
    inconsistent.values[0].value[1] = "8".to_owned();
    for dump in [other, inconsistent] {
        server.then(|_| json(&batch(1))).then(move |_| json(&dump));
        let refused = client.batch_tree(1).await;
        assert!(matches!(refused, Err(ClientError::Mismatch { field: "root", .. })), "{refused:?}");
    }
    let (without_header, without_line) = (csv().replace("subject,", ""), csv().replace("b,", "b"));
    let (more, none) = (csv().replace(",5", ",6"), "subject,address,amount\n".to_owned());
    for (text, expected) in
        [(without_header, "lines"), (without_line, "lines"), (more, "root"), (none, "root")]
    {
        server.then(|_| json(&batch(1))).then(move |_| text.into_response());
        let refused = client.batch_csv(1).await;
        assert!(
            matches!(refused, Err(ClientError::Mismatch { field, .. }) if field == expected),
            "{refused:?}"
        );
    }
}
