//! A log of two small rounds, and every way in which it can lie.

mod openings;

use ledger::{
    Checkpoint, Frontier, leaf_hash,
    note::{Note, Signer, Verifier},
    payout::Policy,
    payout_tree::{Address, Payment, PayoutTree},
};
use names::{PublicKey, SecretKey};
use protocol::{PayoutTerms, Token};
use serde_json::{Value, json};

use crate::{
    Books, Finding, LogReader, NamedNote, RoundReport, SignedLog, Trust,
    facts::{MemberFacts, RoundFacts},
    rows::LoggedBytes,
};

const ASSET: &str = "eip155:1/erc20:0xc0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0";
/// α was included in round 1 and β was rejected. Both reputations have decayed by one round.
const ALPHA_PPM: u64 = (950_000 + 1_000_000) * 1_000_000 / (950_000 + 2_000_000);
const BETA_PPM: u64 = 1_000_000 * 1_000_000 / (2_850_000 + 2_000_000);

fn signer() -> Signer {
    Signer::new("example.org/log", &SecretKey::from_bytes([1; 32])).unwrap()
}

fn aggregator() -> PublicKey {
    protocol::IdentityKey::from_secret(&SecretKey::from_bytes([1; 32])).public()
}

/// Round 2, in whose sum α and β are.
fn facts() -> RoundFacts {
    let member = |number: u8, subject: &str| MemberFacts {
        contribution_id: [number; 16].into(),
        header_hash: [number; 32].into(),
        subject: subject.parse().unwrap(),
        weight: 1,
    };
    let token = Token { chain_id: 1, contract: Address::from_bytes([0xc0; 20]) };
    RoundFacts {
        round_id: [2; 16].into(),
        round_hash: [22; 32].into(),
        document: vec![7; 100],
        root: [9; 32].into(),
        terms: Some(PayoutTerms { policy: Policy::ScoreReputation, pool: 1_000, token: Some(token) }),
        min_reputation_ppm: 0,
        members: vec![member(0xa, "alpha"), member(0xb, "beta")],
        answers: vec![vec![1; 40], vec![2; 40]],
        result: vec![3; 50],
    }
}

fn contribution(round: u8, number: u8, subject: &str, state: &str, changed_at: i64) -> Value {
    let key = format!("{}/{}", hex::encode([round; 16]), hex::encode([number; 16]));
    json!({"table": "contributions", "key": key, "row": {
        "round_id": hex::encode([round; 16]), "contribution_id": hex::encode([number; 16]),
        "header_hash": hex::encode([number; 32]), "subject": subject, "state": state, "changed_at": changed_at,
        "reason": (state == "rejected").then_some("proof-refused"),
    }})
}

fn payout(number: u8, subject: &str, reputation: u64, amount: &str) -> Value {
    let (round, contribution) = (hex::encode([2; 16]), hex::encode([number; 16]));
    json!({"table": "payouts", "key": format!("{round}/{contribution}"), "row": {
        "round_id": round, "contribution_id": contribution, "subject": subject, "weight": 1, "score_ppm": 1_000_000,
        "reputation_ppm": reputation, "amount": amount,
    }})
}

fn posting(transfer: i64, account: i64, amount: &str) -> Value {
    json!({"table": "postings", "key": format!("{transfer}/{account}"), "row": {
        "transfer_id": transfer, "account_id": account, "amount": amount,
    }})
}

fn account(id: i64, kind: &str, subject: Option<&str>) -> Value {
    json!({"table": "accounts", "key": id.to_string(), "row": {
        "account_id": id, "kind": kind, "subject": subject, "asset": ASSET,
    }})
}

/// Bytes as the log names them.
fn logged(bytes: &[u8]) -> String {
    LoggedBytes::of(bytes).to_string()
}

/// The entries of an honest aggregator. β's balance waits for an address.
fn honest() -> Vec<Value> {
    let facts = facts();
    let (first, round) = (hex::encode([1; 16]), hex::encode([2; 16]));
    let member = |index: u64, number: u8| {
        json!({"table": "round_members", "key": format!("{round}/{index}"), "row": {
            "round_id": round, "index": index, "contribution_id": hex::encode([number; 16]),
            "header_hash": hex::encode([number; 32]),
        }})
    };
    let answer = |holder: u64| {
        json!({"table": "release_answers", "key": format!("{round}/{holder}"), "row": {
            "round_id": round, "holder": holder, "answer": logged(&facts.answers[holder as usize]),
        }})
    };
    let (alpha, beta) = shares();
    let address = Address::from_bytes([0xaa; 20]);
    let tree = PayoutTree::new(vec![Payment { address, amount: alpha }]).unwrap();
    let (alpha, beta) = (alpha.to_string(), beta.to_string());
    vec![
        json!({"table": "models", "key": "00", "row": {}}),
        json!({"table": "rounds", "key": first, "row": {
            "round_id": first, "round_hash": "11".repeat(32), "document": "", "state": "published", "root": null,
            "created_at": 100, "sequence": 1, "min_reputation_ppm": 0,
        }}),
        contribution(1, 0xa, "alpha", "received", 110),
        contribution(1, 0xa, "alpha", "included", 150),
        contribution(1, 0xb, "beta", "rejected", 120),
        json!({"table": "rounds", "key": round, "row": {
            "round_id": round, "round_hash": hex::encode([22; 32]), "document": logged(&facts.document),
            "state": "published", "root": hex::encode([9; 32]), "created_at": 200, "sequence": 2,
            "payout_pool": "1000", "payout_policy": "score-reputation", "payout_asset": ASSET,
            "min_reputation_ppm": 0,
        }}),
        contribution(2, 0xa, "alpha", "included", 250),
        contribution(2, 0xb, "beta", "included", 250),
        member(0, 0xa),
        member(1, 0xb),
        answer(0),
        answer(1),
        json!({"table": "results", "key": round, "row": {"round_id": round, "result": logged(&facts.result)}}),
        json!({"table": "claim_addresses", "key": "alpha/1/0", "row": {
            "subject": "alpha", "chain_id": 1, "address": hex::encode([0xaa; 20]),
        }}),
        account(1, "treasury", None),
        account(2, "participant", Some("alpha")),
        account(3, "participant", Some("beta")),
        account(4, "distributor", None),
        payout(0xa, "alpha", ALPHA_PPM, &alpha),
        payout(0xb, "beta", BETA_PPM, &beta),
        json!({"table": "transfers", "key": "1", "row": {
            "transfer_id": 1, "kind": "round", "round_id": round, "batch_id": null, "asset": ASSET,
        }}),
        posting(1, 1, "-1000"),
        posting(1, 2, &alpha),
        posting(1, 3, &beta),
        json!({"table": "payout_batches", "key": "1", "row": {
            "batch_id": 1, "asset": ASSET, "root": hex::encode(tree.root()), "lines": 1, "total": alpha,
        }}),
        json!({"table": "payout_lines", "key": "1/alpha", "row": {
            "batch_id": 1, "subject": "alpha", "address": hex::encode([0xaa; 20]), "amount": alpha,
        }}),
        json!({"table": "transfers", "key": "2", "row": {
            "transfer_id": 2, "kind": "batch", "round_id": round, "batch_id": 1, "asset": ASSET,
        }}),
        posting(2, 2, &format!("-{alpha}")),
        posting(2, 4, &alpha),
    ]
}

/// 1000 units in proportion to the reputations, computed by hand: 762.2… and 237.7…. The unit that
/// is left goes to the larger remainder.
fn shares() -> (u128, u128) {
    let total = u128::from(ALPHA_PPM + BETA_PPM);
    let (alpha, beta) = (1_000 * u128::from(ALPHA_PPM), 1_000 * u128::from(BETA_PPM));
    assert_eq!(alpha / total + beta / total, 999);
    if alpha % total > beta % total {
        (alpha / total + 1, beta / total)
    } else {
        (alpha / total, beta / total + 1)
    }
}

/// A log's entries and the checkpoint over them.
#[derive(Clone)]
struct LogCopy {
    entries: Vec<String>,
    checkpoint: String,
}

impl LogCopy {
    fn of(entries: &[Value]) -> Self {
        let entries: Vec<String> = entries.iter().map(Value::to_string).collect();
        let checkpoint = note(&entries);
        Self { entries, checkpoint }
    }

    fn read(&self, earlier: &[NamedNote<'_>], witnesses: &[Verifier]) -> Result<SignedLog, Finding> {
        let latest = NamedNote { name: "latest", note: &self.checkpoint };
        let mut log = LogReader::open(latest, Trust { aggregator: aggregator(), earlier, witnesses })?;
        self.entries.iter().try_for_each(|entry| log.push(entry))?;
        log.finish()
    }

    /// Audits the log. Returns whether the round is paid, and the books.
    fn verify(&self, facts: &RoundFacts) -> Result<(bool, Books), Finding> {
        let log = self.read(&[], &[])?;
        let round = RoundReport { facts: facts.clone(), members: 2, proofs: 2, residual_max: 0 };
        Ok((log.check_round(&round)?, log.check_books()?))
    }
}

/// The checkpoint over these lines.
fn note(lines: &[String]) -> String {
    let mut frontier = Frontier::new();
    lines.iter().for_each(|line| drop(frontier.append(leaf_hash(line.as_bytes()))));
    let origin = signer().name().to_owned();
    Checkpoint { origin, size: frontier.size(), root: frontier.root() }.sign(&signer()).unwrap()
}

fn lines(count: usize) -> Vec<String> {
    honest()[..count].iter().map(Value::to_string).collect()
}

/// The place that the audit names as wrong.
fn place<T: std::fmt::Debug>(verdict: Result<T, Finding>) -> String {
    verdict.unwrap_err().at.to_string()
}

#[test]
fn an_honest_log_verifies() {
    assert_eq!(LogCopy::of(&honest()).verify(&facts()).unwrap(), (true, Books { transfers: 2, batches: 1 }));
    // before the payout has happened
    let unpaid: Vec<Value> = honest().into_iter().take(18).collect();
    assert_eq!(LogCopy::of(&unpaid).verify(&facts()).unwrap(), (false, Books { transfers: 0, batches: 0 }));
}

#[test]
fn every_lie_about_a_row_is_found() {
    /// The table, the index of the entry in it, the column, its false value, and the place that the
    /// audit names.
    type Lie = (&'static str, usize, &'static str, Value, &'static str);
    let other_hash = || json!("ff".repeat(32));
    let cases: Vec<Lie> = vec![
        ("rounds", 1, "round_hash", other_hash(), "round, round_hash"),
        ("rounds", 1, "document", other_hash(), "round, document"),
        ("rounds", 1, "state", json!("closing"), "round, state"),
        ("rounds", 1, "root", other_hash(), "round, root"),
        ("rounds", 1, "payout_pool", json!("1001"), "round, payout_pool"),
        ("rounds", 1, "payout_policy", json!("equal"), "round, payout_policy"),
        ("rounds", 1, "payout_asset", json!("points"), "round, payout_asset"),
        ("rounds", 1, "min_reputation_ppm", json!(1), "round, min_reputation_ppm"),
        ("rounds", 1, "sequence", json!(3), "payout of alpha"),
        ("rounds", 1, "created_at", json!(140), "payout of alpha"),
        ("contributions", 1, "state", json!("excluded"), "payout of alpha"),
        ("contributions", 2, "state", json!("excluded"), "payout of beta"),
        ("contributions", 3, "state", json!("excluded"), "contribution 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
        ("contributions", 3, "header_hash", other_hash(), "contribution 0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"),
        ("contributions", 4, "subject", json!("gamma"), "contribution 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
        ("round_members", 0, "header_hash", other_hash(), "member 0"),
        ("round_members", 1, "contribution_id", json!("0a".repeat(16)), "member 1"),
        ("release_answers", 1, "answer", other_hash(), "answer of holder 1"),
        ("release_answers", 1, "holder", json!(2), "answer of holder 1"),
        ("results", 0, "result", other_hash(), "result"),
        ("payouts", 0, "subject", json!("gamma"), "payout of alpha"),
        ("payouts", 0, "weight", json!(2), "payout of alpha"),
        ("payouts", 1, "score_ppm", json!(999_999), "payout of beta"),
        ("payouts", 1, "reputation_ppm", json!(500_000), "payout of beta"),
        ("payouts", 0, "amount", json!("764"), "payout of alpha"),
        ("payouts", 1, "contribution_id", json!("0c".repeat(16)), "payout of beta"),
        ("accounts", 1, "asset", json!("points"), "transfer 1"),
        ("accounts", 1, "subject", json!("gamma"), "transfer 1"),
        ("accounts", 1, "account_id", json!(9), "transfer 1"),
        ("transfers", 0, "transfer_id", json!(9), "postings of transfer 1"),
        ("transfers", 1, "batch_id", json!(9), "transfer 2"),
        ("transfers", 0, "kind", json!("batch"), "transfer 1"),
        ("transfers", 1, "kind", json!("gift"), "transfer 2"),
        ("transfers", 0, "round_id", Value::Null, "transfer 1"),
        ("payout_batches", 0, "batch_id", json!(9), "lines of batch 1"),
        ("postings", 0, "amount", json!("-999"), "transfer 1"),
        ("postings", 1, "amount", json!("1"), "transfer 1"),
        ("postings", 3, "amount", json!("-2"), "transfer 2"),
        ("postings", 3, "account_id", json!(3), "transfer 2"),
        ("payout_batches", 0, "root", other_hash(), "batch 1"),
        ("payout_batches", 0, "lines", json!(2), "batch 1"),
        ("payout_batches", 0, "total", json!("1"), "batch 1"),
        ("payout_lines", 0, "amount", json!("1"), "batch 1"),
        ("payout_lines", 0, "subject", json!("beta"), "batch 1, line of beta"),
        ("payout_lines", 0, "address", json!("bb".repeat(20)), "batch 1, line of alpha"),
        ("claim_addresses", 0, "chain_id", json!(2), "batch 1, line of alpha"),
    ];
    for (table, which, column, value, expected) in cases {
        let mut entries = honest();
        let mut of_table = entries.iter_mut().filter(|entry| entry["table"] == table);
        let row = &mut of_table.nth(which).unwrap()["row"];
        assert!(!row[column].is_null(), "{table} has no {column}");
        row[column] = value.clone();
        let at = place(LogCopy::of(&entries).verify(&facts()));
        assert_eq!(at, expected, "{table} {which}, {column} = {value}");
    }
}

#[test]
fn a_batch_that_the_operator_asked_for_is_of_no_round() {
    let mut entries = honest();
    let batch = entries.iter_mut().find(|entry| entry["row"]["kind"] == "batch").unwrap();
    batch["row"]["round_id"] = Value::Null;
    LogCopy::of(&entries).verify(&facts()).unwrap();
}

#[test]
fn nothing_is_posted_twice_and_nothing_without_a_reason() {
    let (alpha, _) = shares();
    let batch = |entries: &mut Vec<Value>, batch_id: Value| {
        entries.push(json!({"table": "transfers", "key": "3", "row": {
            "transfer_id": 3, "kind": "batch", "round_id": null, "batch_id": batch_id, "asset": ASSET,
        }}));
    };
    let posting = |entries: &mut Vec<Value>, account: i64, amount: &str| {
        entries.push(json!({"table": "postings", "key": format!("3/{account}"), "row": {
            "transfer_id": 3, "account_id": account, "amount": amount,
        }}));
    };
    let (mut paid_again, mut handed_over_again, mut gift) = (honest(), honest(), honest());
    let round = paid_again.iter().find(|entry| entry["row"]["kind"] == "round").unwrap();
    let round = round["row"]["round_id"].clone();
    paid_again.push(json!({"table": "transfers", "key": "3", "row": {
        "transfer_id": 3, "kind": "round", "round_id": round, "batch_id": null, "asset": ASSET,
    }}));
    posting(&mut paid_again, 1, "-1000");
    posting(&mut paid_again, 2, &alpha.to_string());
    posting(&mut paid_again, 3, &(1_000 - alpha).to_string());
    batch(&mut handed_over_again, json!(1));
    posting(&mut handed_over_again, 1, "-5");
    posting(&mut handed_over_again, 4, "5");
    batch(&mut gift, Value::Null);
    posting(&mut gift, 1, "-5");
    posting(&mut gift, 2, "5");
    for entries in [paid_again, handed_over_again, gift] {
        assert_eq!(place(LogCopy::of(&entries).verify(&facts())), "transfer 3");
    }
}

#[test]
fn every_missing_entry_is_found() {
    // The audit does not read models, and the last state of a contribution is enough.
    let needless = [0, 2];
    for missing in (0..honest().len()).filter(|index| !needless.contains(index)) {
        let mut entries = honest();
        let entry = entries.remove(missing);
        let verdict = LogCopy::of(&entries).verify(&facts());
        assert!(verdict.is_err(), "{entry}");
    }
}

#[test]
fn an_entry_that_contradicts_an_earlier_one_is_found() {
    let mut entries = honest();
    let mut again = entries.iter().find(|entry| entry["table"] == "payouts").unwrap().clone();
    again["row"]["amount"] = json!("1000");
    entries.push(again);
    assert_eq!(place(LogCopy::of(&entries).verify(&facts())), format!("log entry {}", entries.len() - 1));
    let mut entries = honest();
    entries.push(contribution(2, 0xc, "gamma", "included", 250));
    assert_eq!(
        place(LogCopy::of(&entries).verify(&facts())),
        "contribution 0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
    );
}

#[test]
fn entries_that_the_checkpoint_does_not_cover_are_refused() {
    let copy = LogCopy::of(&honest());
    let changed = |change: fn(&mut Vec<String>)| {
        let mut changed = copy.clone();
        change(&mut changed.entries);
        assert_ne!(changed.entries, copy.entries);
        place(changed.read(&[], &[]))
    };
    let amount = changed(|entries| {
        let entry = entries.iter_mut().find(|entry| entry.contains("\"1000\"")).unwrap();
        *entry = entry.replacen("\"1000\"", "\"1001\"", 1);
    });
    assert_eq!(amount, "checkpoint latest");
    assert_eq!(changed(|entries| drop(entries.pop())), "log");
    let longer =
        changed(|entries| entries.push(json!({"table": "models", "key": "1", "row": {}}).to_string()));
    assert_eq!(longer, "log");
    assert_eq!(
        changed(|entries| entries[0] = entries[0].replacen("{\"key\"", "{\"keys\"", 1)),
        "log entry 0"
    );
}

#[test]
fn rows_that_are_not_of_their_table_are_refused() {
    for (table, column, value) in [
        ("rounds", "round_hash", json!("ff")),
        ("rounds", "payout_asset", json!("eip155:1/erc20:0xC0")),
        ("contributions", "subject", json!("..")),
        ("payouts", "amount", json!("0763")),
        ("postings", "amount", json!("-0")),
        ("payout_lines", "address", json!("aa")),
        ("transfers", "batch_id", json!("1")),
    ] {
        let mut entries = honest();
        let index = entries.iter().position(|entry| entry["table"] == table).unwrap();
        entries[index]["row"][column] = value;
        assert_eq!(
            place(LogCopy::of(&entries).read(&[], &[])),
            format!("log entry {index}"),
            "{table} {column}"
        );
    }
}

#[test]
fn the_log_has_to_continue_earlier_checkpoints() {
    let copy = LogCopy::of(&honest());
    let (empty, earlier) = (note(&lines(0)), note(&lines(9)));
    let earlier = [NamedNote { name: "empty", note: &empty }, NamedNote { name: "earlier", note: &earlier }];
    assert_eq!(copy.read(&earlier, &[]).unwrap().checkpoint().size, honest().len() as u64);

    let mut rewritten = lines(9);
    rewritten[3] = json!({"table": "models", "key": "7", "row": {}}).to_string();
    let mut longer = lines(honest().len());
    longer.push(json!({"table": "models", "key": "7", "row": {}}).to_string());
    let impostor = Signer::new("example.org/log", &SecretKey::from_bytes([9; 32])).unwrap();
    let forged = Checkpoint { origin: "example.org/log".into(), size: 0, root: ledger::empty_root() };
    let forged = forged.sign(&impostor).unwrap();
    for (name, note) in [("fork", note(&rewritten)), ("later", note(&longer)), ("forged", forged)] {
        let earlier = [NamedNote { name, note: &note }];
        assert_eq!(place(copy.read(&earlier, &[])), format!("checkpoint {name}"));
    }
}

#[test]
fn a_witness_has_to_have_signed_one_of_the_checkpoints() {
    let copy = LogCopy::of(&honest());
    let witness = Signer::new("witness.example.org", &SecretKey::from_bytes([5; 32])).unwrap();
    let known = [witness.cosignature_verifier()];
    assert_eq!(place(copy.read(&[], &known)), "witness witness.example.org");
    let cosigned = Note::parse(&note(&lines(9))).unwrap().cosign(&witness, 1_700_000_000).unwrap();
    let cosigned = cosigned.to_string();
    let earlier = [NamedNote { name: "cosigned", note: &cosigned }];
    assert!(copy.read(&earlier, &known).is_ok());
}

#[test]
fn a_finding_says_where_and_what() {
    let mut entries = honest();
    let payout = entries.iter_mut().find(|entry| entry["table"] == "payouts").unwrap();
    payout["row"]["amount"] = json!("764");
    let finding = LogCopy::of(&entries).verify(&facts()).unwrap_err();
    assert_eq!(finding.to_string(), "payout of alpha is wrong");
    assert_eq!(finding.fault.to_string(), "is 764 where the terms give 762");
}

#[test]
fn the_end_of_a_round_is_the_entry_that_publishes_it() {
    let publishing: Vec<usize> = (0..honest().len())
        .filter(|&index| crate::publishes(&honest()[index].to_string(), facts().round_id))
        .collect();
    assert_eq!(publishing, [5]);
    assert!(!crate::publishes("{}", facts().round_id));
}
