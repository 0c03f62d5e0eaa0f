//! Tests of the log as anyone sees it: checkpoints, proofs, entries.

use api::{
    ProblemKind,
    log::{CheckpointView, ConsistencyView, Entries, LogInclusionView},
    paths,
    rounds::RoundState,
};
use ledger::{Checkpoint, note::Verifier, verify_consistency, verify_inclusion};

use crate::{
    deployment::{Deployment, OpenRound, eventually},
    participant::{Message, Participant},
};

async fn upload(deployment: &Deployment, round: &OpenRound, name: &str) -> Message {
    let message = Participant::enrolled(deployment, name).await.contribute(round, 0.01, 1);
    message.upload(deployment, round).await;
    message
}

/// Starts an aggregator that signs new entries within a tenth of a second.
async fn with_a_quick_log() -> Deployment {
    let mut deployment = Deployment::start().await;
    deployment.settings.record.sequence_ms = 50;
    deployment.settings.record.checkpoint_ms = 50;
    deployment.stop_service().await;
    deployment.start_service().await;
    deployment
}

/// Opens a checkpoint. It must be signed by the aggregator and agree with the answer.
fn open(deployment: &Deployment, view: &CheckpointView) -> Checkpoint {
    let verifier = Verifier::ed25519("aggregator.test/log", &deployment.pins.aggregator).unwrap();
    let opened = Checkpoint::open(&view.note, &verifier, &[]).unwrap().checkpoint;
    assert_eq!((opened.size, opened.root), (view.size, view.root));
    opened
}

fn contribution_log(round: &OpenRound, message: &Message) -> String {
    paths::fill(paths::CONTRIBUTION_LOG, &[&round.id, &message.id()])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_kept_and_later_checkpoints_continue_earlier_ones() {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    let message = upload(&deployment, &round, "a").await;
    deployment.until_sealed().await;
    let first: LogInclusionView = deployment.get(&contribution_log(&round, &message)).await.json();
    let earlier = open(&deployment, &first.checkpoint);
    verify_inclusion(
        &earlier.root,
        earlier.size,
        first.entry.index,
        &ledger::leaf_hash(first.entry.payload.as_bytes()),
        &first.path,
    )
    .unwrap();
    let payload: serde_json::Value = serde_json::from_str(&first.entry.payload).unwrap();
    assert_eq!(payload["table"], "contributions");
    assert_eq!(payload["row"]["state"], "received");
    assert_eq!(payload["row"]["header_hash"], hex::encode(message.prefix.header.hash()));

    upload(&deployment, &round, "b").await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    deployment.until_sealed().await;
    let later: CheckpointView = deployment.get(paths::LOG_CHECKPOINT).await.json();
    let later = open(&deployment, &later);
    assert!(later.size > earlier.size);
    let path = format!("{}?from={}&to={}", paths::LOG_CONSISTENCY, earlier.size, later.size);
    let proof: ConsistencyView = deployment.get(&path).await.json();
    verify_consistency(earlier.size, &earlier.root, later.size, &later.root, &proof.path).unwrap();

    // The entries give the root, and each entry has its proof.
    let entries: Entries = deployment.get(&format!("{}?limit=1000", paths::LOG_ENTRIES)).await.json();
    let covered = &entries.entries[..usize::try_from(later.size).unwrap()];
    let leaves: Vec<&[u8]> = covered.iter().map(|entry| entry.payload.as_bytes()).collect();
    assert_eq!(ledger::root(&leaves), later.root);
    for entry in covered {
        let proof: LogInclusionView =
            deployment.get(&paths::fill(paths::LOG_ENTRY, &[&entry.index])).await.json();
        let leaf = ledger::leaf_hash(entry.payload.as_bytes());
        let checkpoint = open(&deployment, &proof.checkpoint);
        verify_inclusion(&checkpoint.root, checkpoint.size, entry.index, &leaf, &proof.path).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_proved_is_refused() {
    let deployment = Deployment::start().await;
    let consistency = |from: u64, to: u64| format!("{}?from={from}&to={to}", paths::LOG_CONSISTENCY);
    deployment.open_round().await;
    deployment.until_sealed().await;
    let checkpoint: CheckpointView = deployment.get(paths::LOG_CHECKPOINT).await.json();
    deployment.get(&consistency(0, 1)).await.refused(ProblemKind::InvalidParameter);
    deployment.get(&consistency(2, 1)).await.refused(ProblemKind::InvalidParameter);
    deployment.get(&consistency(1, checkpoint.size + 1_000)).await.refused(ProblemKind::InvalidParameter);
    deployment.get(&paths::fill(paths::LOG_ENTRY, &[&1_000_000])).await.refused(ProblemKind::NotReady);
    deployment
        .get(&format!("{}?limit=1001", paths::LOG_ENTRIES))
        .await
        .refused(ProblemKind::InvalidParameter);
    deployment
        .get(&format!("{}?from={}", paths::LOG_ENTRIES, u64::MAX))
        .await
        .refused(ProblemKind::InvalidParameter);
    let empty: Entries = deployment.get(&format!("{}?from=1000000", paths::LOG_ENTRIES)).await.json();
    assert!(empty.entries.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_keep_one_log() {
    let mut deployment = Deployment::start().await;
    deployment.start_service().await;
    let round = deployment.open_round().await;
    for name in ["a", "b", "c", "d"] {
        upload(&deployment, &round, name).await;
    }
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    deployment.until_sealed().await;
    let mut connection = deployment.db.acquire().await.unwrap();
    let findings = aggregator::record::check(&mut connection, &deployment.pins.aggregator).await.unwrap();
    assert_eq!(findings.contradictions, []);
    assert!(findings.signed > 20, "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_rewritten_is_not_signed() {
    let deployment = with_a_quick_log().await;
    Participant::enrolled(&deployment, "a").await;
    deployment.open_round().await;
    deployment.until_sealed().await;
    let mut rewriting = deployment.db.begin().await.unwrap();
    for statement in [
        "SET LOCAL session_replication_role = replica",
        // Take the largest subtree that is signed, since a larger one may have become full
        // meanwhile.
        "UPDATE log_nodes SET hash = sha256(hash) WHERE index = 0 AND level = (
            SELECT max(level) FROM log_nodes WHERE (index + 1) << level <= (SELECT max(size) FROM log_checkpoints))",
    ] {
        sqlx::query(statement).execute(&mut *rewriting).await.unwrap();
    }
    rewriting.commit().await.unwrap();
    let signed = "SELECT max(size) FROM log_checkpoints";
    let before: i64 = sqlx::query_scalar(signed).fetch_one(&deployment.db).await.unwrap();
    Participant::enrolled(&deployment, "b").await;
    eventually("the place of an entry", async || {
        let placed =
            "SELECT EXISTS (SELECT FROM log_entries WHERE table_name = 'participants' AND key = 'b')";
        let placed: bool = sqlx::query_scalar(placed).fetch_one(&deployment.db).await.unwrap();
        placed.then_some(())
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let after: i64 = sqlx::query_scalar(signed).fetch_one(&deployment.db).await.unwrap();
    assert_eq!(after, before);
    let mut connection = deployment.db.acquire().await.unwrap();
    let findings = aggregator::record::check(&mut connection, &deployment.pins.aggregator).await.unwrap();
    let tables: Vec<_> = findings.contradictions.iter().map(|found| found.table_name.as_str()).collect();
    assert!(tables.contains(&"log_nodes") && tables.contains(&"log_checkpoints"), "{findings:?}");
}

/// The database agrees with itself. Only the vault knows that a larger size was signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_set_back_to_a_backup_is_not_signed() {
    let mut deployment = with_a_quick_log().await;
    Participant::enrolled(&deployment, "a").await;
    deployment.until_sealed().await;
    let signed = "SELECT max(size) FROM log_checkpoints";
    let backup: i64 = sqlx::query_scalar(signed).fetch_one(&deployment.db).await.unwrap();
    for name in ["b", "c", "d", "e"] {
        Participant::enrolled(&deployment, name).await;
    }
    deployment.until_sealed().await;
    deployment.stop_service().await;
    let mut restoring = deployment.db.begin().await.unwrap();
    for statement in [
        "SET LOCAL session_replication_role = replica",
        "DELETE FROM credentials WHERE subject <> 'a'",
        "DELETE FROM participants WHERE subject <> 'a'",
        "DELETE FROM log_outbox",
        "DELETE FROM log_checkpoints WHERE size > $1",
        "DELETE FROM log_entries WHERE index >= $1",
        "DELETE FROM log_nodes WHERE (index + 1) << level > $1",
    ] {
        let query = sqlx::query(statement);
        let query = if statement.contains("$1") { query.bind(backup) } else { query };
        query.execute(&mut *restoring).await.unwrap();
    }
    restoring.commit().await.unwrap();
    deployment.start_service().await;
    let names = ["f", "g", "h", "i", "j", "k", "l", "m"];
    for name in names {
        Participant::enrolled(&deployment, name).await;
    }
    eventually("the places of the entries", async || {
        let placed = "SELECT COUNT(*) FROM log_entries WHERE table_name = 'participants'";
        let placed: i64 = sqlx::query_scalar(placed).fetch_one(&deployment.db).await.unwrap();
        (placed == 1 + names.len() as i64).then_some(())
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let after: i64 = sqlx::query_scalar(signed).fetch_one(&deployment.db).await.unwrap();
    assert_eq!(after, backup);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_promise_is_seen() {
    let mut deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    deployment.until_sealed().await;
    deployment.settings.record.inclusion_delay_ms = 500;
    deployment.settings.record.sequence_ms = 100;
    deployment.settings.record.checkpoint_ms = 100;
    deployment.stop_service().await;
    deployment.start_service().await;
    // The sequencer waits while another process holds its latch.
    let mut stalled = deployment.db.begin().await.unwrap();
    sqlx::query("SELECT hold_latch('log')").execute(&mut *stalled).await.unwrap();
    upload(&deployment, &round, "a").await;
    let overdue = async || {
        let count = "SELECT COUNT(*) FROM audit.receipts_waiting WHERE overdue";
        let count: i64 = sqlx::query_scalar(count).fetch_one(&deployment.db).await.unwrap();
        let metrics = deployment.get(paths::METRICS).await.text();
        (count == 1 && metrics.contains("aggregator_receipts_overdue 1")).then_some(())
    };
    eventually("the overdue receipt", overdue).await;
    stalled.rollback().await.unwrap();
    deployment.until_sealed().await;
    let late: bool =
        sqlx::query_scalar("SELECT overdue FROM audit.receipts").fetch_one(&deployment.db).await.unwrap();
    assert!(late);
}
