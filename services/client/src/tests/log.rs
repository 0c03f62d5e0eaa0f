//! The log: a later checkpoint must continue an earlier one.

use api::log::{CheckpointView, ConsistencyView};
use ledger::{Checkpoint, leaf_hash, note::Signer, root};
use protocol::IdentityKey;

use super::server::{Parties, Server, client, json};
use crate::ClientError;

/// A signed note over a log with these leaves.
fn note(key: &IdentityKey, leaves: &[&str]) -> String {
    let origin = "test.example/log";
    let log = Signer::new(origin, &key.secret()).unwrap();
    let checkpoint = Checkpoint { origin: origin.to_owned(), size: leaves.len() as u64, root: root(leaves) };
    checkpoint.sign(&log).unwrap()
}

/// The answer of the aggregator for its latest checkpoint. The client reads only the note.
fn view(note: String) -> CheckpointView {
    CheckpointView { size: 0, root: [0; 32].into(), note, signed_at_ms: 0 }
}

/// The proof that a log of three leaves continues the log of its first two.
fn proof(third: &str) -> ConsistencyView {
    ConsistencyView { from: 2, to: 3, path: vec![leaf_hash(third.as_bytes())] }
}

#[tokio::test]
async fn a_log_that_grew_continues_the_checkpoint_that_was_kept() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let (earlier, later) =
        (note(&parties.aggregator, &["a", "b"]), note(&parties.aggregator, &["a", "b", "c"]));
    let answer = view(later.clone());
    server.then(move |_| json(&answer)).then(|_| json(&proof("c")));
    let last = client.continued(&earlier).await.unwrap();
    assert_eq!((last.checkpoint.size, last.checkpoint.root), (3, root(["a", "b", "c"])));
    assert_eq!(last.note, later);
    let paths: Vec<_> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/v1/log/checkpoint", "/v1/log/consistency?from=2&to=3"]);
}

#[tokio::test]
async fn a_log_that_was_rewritten_or_cut_or_signed_by_another_key_is_refused() {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (client, _folder) = client(&server, parties.pins());
    let earlier = note(&parties.aggregator, &["a", "b"]);

    let rewritten = view(note(&parties.aggregator, &["a", "x", "c"]));
    server.then(move |_| json(&rewritten)).then(|_| json(&proof("c")));
    let cut = view(note(&parties.aggregator, &["a"]));
    server.then(move |_| json(&cut));
    for _ in 0..2 {
        let refused = client.continued(&earlier).await;
        assert!(matches!(refused, Err(ClientError::Mismatch { field: "consistency", .. })), "{refused:?}");
    }

    let forged = view(note(&parties.combiner, &["a", "b", "c"]));
    server.then(move |_| json(&forged));
    let refused = client.continued(&earlier).await;
    assert!(matches!(refused, Err(ClientError::Mismatch { field: "note", .. })), "{refused:?}");
    let seen = server.seen().len();
    let refused = client.continued(&note(&parties.combiner, &["a", "b"])).await;
    assert!(matches!(refused, Err(ClientError::Mismatch { field: "note", .. })), "{refused:?}");
    assert_eq!(server.seen().len(), seen, "nothing is asked for a note of another key");
}
