//! Tests of payouts: what contributions earn, and who may claim it.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use api::{
    ProblemKind,
    log::Entries,
    participants::Page,
    paths,
    payouts::{Amount, Batch, ClaimProof, MakeBatch, Payout, PayoutPolicy, PayoutTerms, Statement, Token},
    rounds::RoundState,
};
use ledger::{
    payout_tree::{Address, Payment, PayoutTree, StandardDump, verify_payment},
    reputation::{Event, Outcome, reputation_ppm},
};
use local::databases::{AGGREGATOR, PAYER};
use protocol::{Canonical, ClaimAddress};
use reqwest::Method;
use serde_json::Value;

use crate::{
    deployment::{Deployment, EPOCH, OpenRound, eventually},
    participant::{Participant, put_claim},
};

const CHAIN: u64 = 31_337;

fn token() -> Token {
    Token { chain_id: CHAIN, contract: "0x5fbdb2315678afecb367f032d93f642f64180aa3".into() }
}

fn terms(policy: PayoutPolicy, pool: u128) -> PayoutTerms {
    PayoutTerms { policy, pool: Amount(pool), token: Some(token()) }
}

async fn open(deployment: &Deployment, policy: PayoutPolicy, pool: u128) -> OpenRound {
    let mut plan = deployment.plan().await;
    plan.payout = Some(terms(policy, pool));
    deployment.open_planned(&plan).await
}

async fn publish(deployment: &Deployment, round: &OpenRound) {
    deployment.close(round).await;
    deployment.reach(round, RoundState::Published).await;
    eventually("the payout", async || {
        let left = "SELECT COUNT(*) FROM jobs WHERE round_id = $1 AND state IN ('ready', 'leased')";
        let left: i64 =
            sqlx::query_scalar(left).bind(round.id.to_bytes()).fetch_one(&deployment.db).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
}

fn claim(participant: &Participant, address: u8, sequence: u64) -> ClaimAddress {
    participant.claim_address(CHAIN, [address; 20], sequence)
}

/// Reads the earnings of a round, in pages of one earning.
async fn payouts(deployment: &Deployment, round: &OpenRound) -> Vec<Payout> {
    let pages = format!("{}?limit=1", paths::fill(paths::ROUND_PAYOUTS, &[&round.id]));
    let mut payouts = Vec::new();
    let mut page: Page<Payout> = deployment.list(&pages).await;
    while let Some(after) = page.next {
        assert!(page.items.len() == 1);
        payouts.extend(page.items);
        page = deployment.list(&format!("{pages}&after={after}")).await;
    }
    payouts.extend(page.items);
    payouts
}

async fn statement(deployment: &Deployment, subject: &str) -> Statement {
    deployment.get(&paths::fill(paths::STATEMENT, &[&subject])).await.json()
}

async fn balances_sum_to_zero(deployment: &Deployment) {
    let sum: String =
        sqlx::query_scalar("SELECT SUM(amount)::TEXT FROM postings").fetch_one(&deployment.db).await.unwrap();
    assert_eq!(sum, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_pays_once_and_balances_wait_for_an_address() {
    let deployment = Deployment::start().await;
    let [a, b] = ["a", "b"].map(|name| Participant::new(&deployment, name, EPOCH));
    for participant in [&a, &b] {
        assert_eq!(participant.enrol(&deployment).await.status, 200);
    }
    let answer = put_claim(&deployment, "a", &claim(&a, 0xaa, 1)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let round = open(&deployment, PayoutPolicy::Weight, 101).await;
    a.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    b.contribute(&round, 0.01, 3).upload(&deployment, &round).await;
    publish(&deployment, &round).await;

    let payouts = payouts(&deployment, &round).await;
    let earned: Vec<(&str, u128)> =
        payouts.iter().map(|payout| (payout.subject.as_str(), payout.amount.0)).collect();
    assert_eq!(earned, [("a", 25), ("b", 76)]);
    assert!(payouts.iter().all(|payout| payout.reputation_ppm == 500_000 && payout.pool.0 == 101));
    let (of_a, of_b) = (statement(&deployment, "a").await, statement(&deployment, "b").await);
    assert_eq!((of_a.balances[0].handed_over.0, of_a.balances[0].balance.0), (25, 0));
    assert_eq!((of_b.balances[0].handed_over.0, of_b.balances[0].balance.0), (0, 76));
    assert_eq!((of_a.claims[0].amount.0, of_b.claims.len()), (25, 0));
    balances_sum_to_zero(&deployment).await;

    // Run the job once more, as if nobody knew that it was done.
    let again = "UPDATE jobs SET state = 'ready', finished_at = NULL WHERE kind = 'payout'";
    sqlx::query(again).execute(&deployment.db).await.unwrap();
    publish_again(&deployment).await;
    let transfers: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM transfers").fetch_one(&deployment.db).await.unwrap();
    assert_eq!(transfers, 2);

    // After b has sent an address, the next batch has b's whole balance and the new earnings of a.
    assert_eq!(put_claim(&deployment, "b", &claim(&b, 0xbb, 1)).await.status, 200);
    let round = open(&deployment, PayoutPolicy::Equal, 10).await;
    for participant in [&a, &b] {
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    publish(&deployment, &round).await;
    let batches = deployment.list::<Batch>(paths::BATCHES).await.items;
    assert_eq!(batches.iter().map(|batch| batch.total.0).collect::<Vec<_>>(), [25, 86]);
    check_batch(&deployment, &batches[1], &[("a", 0xaa, 5), ("b", 0xbb, 81)]).await;
    balances_sum_to_zero(&deployment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_last_round_left_is_handed_over_when_the_operator_asks() {
    let deployment = Deployment::start().await;
    let [a, b] = ["a", "b"].map(|name| Participant::new(&deployment, name, EPOCH));
    let round = open(&deployment, PayoutPolicy::Equal, 10).await;
    for participant in [&a, &b] {
        assert_eq!(participant.enrol(&deployment).await.status, 200);
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    publish(&deployment, &round).await;
    let request = MakeBatch { token: token() };
    deployment.post(paths::BATCHES, &request).await.refused(ProblemKind::NothingOwed);
    let strange = format!("{}?after=%00", paths::fill(paths::ROUND_PAYOUTS, &[&round.id]));
    deployment.get(&strange).await.refused(ProblemKind::InvalidParameter);
    deployment.get("/v1/participants/%00/statement").await.refused(ProblemKind::NotFound);
    assert_eq!(put_claim(&deployment, "a", &claim(&a, 0xaa, 1)).await.status, 200);
    let body = serde_json::to_vec(&request).unwrap();
    let stranger = deployment.send(Method::POST, paths::BATCHES, None, body, "application/json").await;
    stranger.refused(ProblemKind::Unauthorised);
    for (chain_id, contract) in [(0, token().contract), (CHAIN, "0x5fbd".to_owned())] {
        let request = MakeBatch { token: Token { chain_id, contract } };
        deployment.post(paths::BATCHES, &request).await.refused(ProblemKind::InvalidParameter);
    }
    let other = MakeBatch { token: Token { chain_id: CHAIN + 1, ..token() } };
    deployment.post(paths::BATCHES, &other).await.refused(ProblemKind::NothingOwed);

    let answers =
        tokio::join!(deployment.post(paths::BATCHES, &request), deployment.post(paths::BATCHES, &request));
    let mut statuses = [answers.0.status, answers.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "what is owed is handed over once");
    assert_eq!(put_claim(&deployment, "b", &claim(&b, 0xbb, 1)).await.status, 200);
    let answer = deployment.post(paths::BATCHES, &request).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let batches = deployment.list::<Batch>(paths::BATCHES).await.items;
    assert!(batches.iter().all(|batch| batch.round_id.is_none() && batch.lines == 1));
    check_batch(&deployment, &batches[0], &[("a", 0xaa, 5)]).await;
    check_batch(&deployment, &batches[1], &[("b", 0xbb, 5)]).await;
    balances_sum_to_zero(&deployment).await;
    deployment.until_sealed().await;
    let problems = "SELECT COUNT(*) FROM record_problems()";
    let problems: i64 = sqlx::query_scalar(problems).fetch_one(&deployment.db).await.unwrap();
    assert_eq!(problems, 0);
    let batches = "SELECT COUNT(*) FROM audit.batches AS b JOIN audit.postings AS p USING (batch_id) WHERE b.round IS NULL";
    let postings: i64 = sqlx::query_scalar(batches).fetch_one(&deployment.db).await.unwrap();
    assert_eq!(postings, 4);
    let service = deployment.connect_as(AGGREGATOR).await;
    let unpaid = "INSERT INTO transfers (kind, asset, posted_at) VALUES ('round', 'points', now())";
    assert!(sqlx::query(unpaid).execute(&service).await.is_err(), "only a batch is of no round");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_says_once_that_a_batch_is_paid_as_the_documentation_has_it() {
    let deployment = Deployment::start().await;
    let round = open(&deployment, PayoutPolicy::Equal, 10).await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        assert_eq!(put_claim(&deployment, name, &claim(&participant, 0xaa, 1)).await.status, 200);
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    publish(&deployment, &round).await;
    let payer = deployment.connect_as(PAYER).await;
    let page = include_str!("../../../../docs/api.md");
    let documented = page.split("```sql\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    sqlx::raw_sql(documented).execute(&payer).await.unwrap();
    assert!(sqlx::raw_sql(documented).execute(&payer).await.is_err(), "once");
    let batch: Batch = deployment.get(&paths::fill(paths::BATCH, &[&1])).await.json();
    assert_eq!(batch.payment.as_deref(), Some("0x…"));
    deployment.until_sealed().await;
    let logged = "SELECT COUNT(*) FROM log_entries WHERE table_name = 'payments'";
    let logged: i64 = sqlx::query_scalar(logged).fetch_one(&deployment.db).await.unwrap();
    assert_eq!(logged, 1);
}

async fn publish_again(deployment: &Deployment) {
    eventually("the payout's repetition", async || {
        let left = "SELECT COUNT(*) FROM jobs WHERE kind = 'payout' AND state <> 'done'";
        let left: i64 = sqlx::query_scalar(left).fetch_one(&deployment.db).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
}

/// Checks that the tree, the lines and the proofs of a batch agree with each other and with the
/// recorded root.
async fn check_batch(deployment: &Deployment, batch: &Batch, lines: &[(&str, u8, u128)]) {
    let path = |template: &str| paths::fill(template, &[&batch.batch_id]);
    let dump: StandardDump = deployment.get(&path(paths::BATCH_TREE)).await.json();
    let tree = PayoutTree::load(&dump).unwrap();
    assert_eq!(tree.root(), batch.root);
    let csv = deployment.get(&path(paths::BATCH_CSV)).await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let mut expected = "subject,address,amount\n".to_owned();
    for &(subject, address, amount) in lines {
        let address = Address::from_bytes([address; 20]);
        expected += &format!("{subject},{address},{amount}\n");
        let claim: ClaimProof =
            deployment.get(&paths::fill(paths::BATCH_CLAIM, &[&batch.batch_id, &subject])).await.json();
        let proof = claim.proof;
        assert_eq!(claim.address, address.to_string());
        verify_payment(&batch.root, &Payment { address, amount }, &proof).unwrap();
    }
    assert_eq!(csv.text(), expected);
    let nobody = paths::fill(paths::BATCH_CLAIM, &[&batch.batch_id, &"nobody"]);
    deployment.get(&nobody).await.refused(ProblemKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_address_is_its_participants_word_and_no_older_than_the_one_that_counts() {
    let deployment = Deployment::start().await;
    let a = Participant::enrolled(&deployment, "a").await;
    let b = Participant::enrolled(&deployment, "b").await;
    let forged = ClaimAddress { subject: a.credential.subject.clone(), ..claim(&b, 1, 1) };
    put_claim(&deployment, "a", &forged).await.refused(ProblemKind::SignatureRefused);
    put_claim(&deployment, "a", &claim(&b, 1, 1)).await.refused(ProblemKind::MalformedRequest);
    put_claim(&deployment, "nobody", &claim(&a, 1, 1)).await.refused(ProblemKind::NotFound);
    let elsewhere = a.party.claim_address(&a.credential.client_key, CHAIN, [1; 20], 1);
    put_claim(&deployment, "a", &elsewhere).await.refused(ProblemKind::MalformedRequest);
    let renamed = ClaimAddress { aggregator_key: deployment.pins.aggregator, ..elsewhere };
    put_claim(&deployment, "a", &renamed).await.refused(ProblemKind::SignatureRefused);
    let changed = ClaimAddress { address: Address::from_bytes([9; 20]), ..claim(&a, 1, 1) };
    put_claim(&deployment, "a", &changed).await.refused(ProblemKind::SignatureRefused);
    assert_eq!(put_claim(&deployment, "a", &claim(&a, 2, 2)).await.status, 200);
    assert_eq!(put_claim(&deployment, "a", &claim(&a, 2, 2)).await.status, 200, "the same again");
    put_claim(&deployment, "a", &claim(&a, 1, 1)).await.refused(ProblemKind::ClaimConflict);
    put_claim(&deployment, "a", &claim(&a, 3, 2)).await.refused(ProblemKind::ClaimConflict);
    assert_eq!(put_claim(&deployment, "a", &claim(&a, 3, 3)).await.status, 200);
    let addresses = statement(&deployment, "a").await.addresses;
    assert_eq!(addresses.len(), 1);
    assert_eq!(addresses[0].address, Address::from_bytes([3; 20]).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_replaced_key_nor_a_row_without_a_signature_decides_where_anything_is_paid() {
    let deployment = Deployment::start().await;
    let stolen = Participant::new(&deployment, "a", EPOCH - 1);
    assert_eq!(stolen.enrol(&deployment).await.status, 200);
    let b = Participant::enrolled(&deployment, "b").await;
    let last = (1 << 63) - 1;
    assert_eq!(put_claim(&deployment, "a", &claim(&stolen, 0x66, last)).await.status, 200);
    let a = Participant::enrolled(&deployment, "a").await;
    assert_eq!(statement(&deployment, "a").await.addresses.len(), 0);
    assert_eq!(put_claim(&deployment, "a", &claim(&a, 0xaa, 1)).await.status, 200);
    assert_eq!(put_claim(&deployment, "b", &claim(&b, 0xbb, 1)).await.status, 200);
    let service = deployment.connect_as(AGGREGATOR).await;
    let forged = "INSERT INTO claim_addresses (subject, chain_id, sequence, address, message, stored_at)
                  VALUES ('b', $1, $2, $3, 'no message', now())";
    let address = [0x66_u8; 20];
    sqlx::query(forged).bind(CHAIN as i64).bind(last as i64).bind(address).execute(&service).await.unwrap();
    let round = open(&deployment, PayoutPolicy::Equal, 10).await;
    for participant in [&a, &b] {
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    publish(&deployment, &round).await;
    let batches = deployment.list::<Batch>(paths::BATCHES).await.items;
    check_batch(&deployment, &batches[0], &[("a", 0xaa, 5), ("b", 0xbb, 5)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_had_the_earlier_key_has_not_used_up_what_the_present_one_may_send() {
    let deployment = Deployment::start().await;
    let stolen = Participant::new(&deployment, "a", EPOCH - 1);
    assert_eq!(stolen.enrol(&deployment).await.status, 200);
    store_claims(&deployment, &stolen, 1..=1_000).await;
    let one_more = claim(&stolen, 0x66, 1_001);
    put_claim(&deployment, "a", &one_more).await.refused(ProblemKind::ClaimConflict);
    let a = Participant::enrolled(&deployment, "a").await;
    put_claim(&deployment, "a", &claim(&a, 0xaa, 1)).await.refused(ProblemKind::ClaimConflict);
    let answer = put_claim(&deployment, "a", &claim(&a, 0xaa, 1_001)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(statement(&deployment, "a").await.addresses[0].sequence, 1_001);
    store_claims(&deployment, &a, 1_002..=2_000).await;
    put_claim(&deployment, "a", &claim(&a, 0xab, 2_001)).await.refused(ProblemKind::ClaimConflict);
}

/// Stores addresses as the service does, all at once.
async fn store_claims(deployment: &Deployment, participant: &Participant, sequences: RangeInclusive<u64>) {
    let messages: Vec<_> =
        sequences.clone().map(|sequence| claim(participant, 0x66, sequence).to_bytes()).collect();
    let service = deployment.connect_as(AGGREGATOR).await;
    let insert = "INSERT INTO claim_addresses (subject, chain_id, sequence, address, message, stored_at)
                  SELECT $1, $2, m.sequence, $3, m.message, now()
                  FROM UNNEST($4::BIGINT [], $5::BYTEA []) AS m (sequence, message)";
    sqlx::query(insert)
        .bind(participant.credential.subject.as_str())
        .bind(CHAIN as i64)
        .bind([0x66_u8; 20])
        .bind(sequences.map(|sequence| sequence as i64).collect::<Vec<_>>())
        .bind(messages)
        .execute(&service)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_a_ledger_that_does_not_balance() {
    let deployment = Deployment::start().await;
    let round = open(&deployment, PayoutPolicy::Equal, 10).await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    publish(&deployment, &round).await;
    let other = deployment.open_round().await;
    let service = deployment.connect_as(AGGREGATOR).await;
    let transfer = "INSERT INTO transfers (kind, round_id, asset, posted_at)
                    SELECT 'round', $1, asset, now() FROM accounts WHERE kind = 'treasury' RETURNING transfer_id";
    let post = |amounts: &str| {
        format!(
            "INSERT INTO postings (transfer_id, account_id, amount)
             SELECT (SELECT MAX(transfer_id) FROM transfers), account_id, amount
             FROM accounts JOIN (VALUES {amounts}) AS v (kind, amount) USING (kind) WHERE subject IS NULL OR subject = 'a'"
        )
    };
    for postings in ["('treasury', -1)", "('treasury', -1), ('participant', 2)", ""] {
        let mut tx = service.begin().await.unwrap();
        sqlx::query(transfer).bind(other.id.to_bytes()).execute(&mut *tx).await.unwrap();
        let outcome = if postings.is_empty() {
            tx.commit().await
        } else {
            sqlx::query(sqlx::AssertSqlSafe(post(postings))).execute(&mut *tx).await.map(drop)
        };
        let code = outcome.expect_err(postings);
        let code = code.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("23514"), "{postings}");
    }
    // An account without a balance cannot hand anything over.
    let mut tx = service.begin().await.unwrap();
    sqlx::query(transfer).bind(other.id.to_bytes()).execute(&mut *tx).await.unwrap();
    let overdrawn = post("('participant', -6), ('distributor', 6)");
    let overdrawn = sqlx::query(sqlx::AssertSqlSafe(overdrawn)).execute(&mut *tx).await.unwrap_err();
    assert!(overdrawn.to_string().contains("overdrawn"), "{overdrawn}");
    drop(tx);
    // No posting can be added to a transfer, whether it balances or not.
    let added = sqlx::query(sqlx::AssertSqlSafe(post("('distributor', 1)"))).execute(&service).await;
    assert!(added.is_err());
    let twice = sqlx::query(transfer).bind(round.id.to_bytes()).execute(&service).await;
    assert!(twice.is_err(), "a round is paid once");
}

#[tokio::test(flavor = "multi_thread")]
async fn reputation_gates_admission_and_follows_from_the_log_alone() {
    let deployment = Deployment::start().await;
    let [a, b, c] = ["a", "b", "c"].map(|name| Participant::new(&deployment, name, EPOCH));
    for participant in [&a, &b, &c] {
        participant.enrol(&deployment).await;
    }
    let mut plan = deployment.plan().await;
    plan.payout = Some(terms(PayoutPolicy::ScoreReputation, 1_000));
    plan.proof = api::rounds::ProofDemand::NormV2;
    let round = deployment.open_planned(&plan).await;
    for participant in [&a, &b] {
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    let no_proof = [0; norm_proof::PROOF_BYTES];
    let bad = crate::proofs::with_proof(&c, &c.contribute(&round, 0.01, 1), &no_proof);
    bad.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1 && view.progress.received == 0).await;
    publish(&deployment, &round).await;
    assert!(statement(&deployment, "a").await.reputation_ppm > 600_000);
    assert!(statement(&deployment, "c").await.reputation_ppm < 300_000);

    let mut plan = deployment.plan().await;
    plan.payout = Some(terms(PayoutPolicy::ScoreReputation, 1_000));
    plan.min_reputation_ppm = 250_000;
    let round = deployment.open_planned(&plan).await;
    let newcomer = Participant::enrolled(&deployment, "d").await;
    for participant in [&a, &b, &newcomer] {
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    c.contribute(&round, 0.01, 1).put(&deployment, &round).await.refused(ProblemKind::ReputationTooLow);
    publish(&deployment, &round).await;
    deployment.until_sealed().await;
    let payouts = payouts(&deployment, &round).await;
    let of = |subject: &str| payouts.iter().find(|payout| payout.subject == subject).unwrap();
    assert!(of("a").amount > of("d").amount);
    check_reputations(&deployment, &payouts).await;
}

/// Computes reputations from the entries of the log alone.
async fn check_reputations(deployment: &Deployment, payouts: &[Payout]) {
    let entries: Entries = deployment.get(&format!("{}?limit=1000", paths::LOG_ENTRIES)).await.json();
    let rows: Vec<Value> =
        entries.entries.iter().map(|entry| serde_json::from_str(&entry.payload).unwrap()).collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut rounds: HashMap<String, (u64, i64)> = HashMap::new();
    let mut events: BTreeMap<String, Vec<(i64, Event)>> = BTreeMap::new();
    for entry in &rows {
        let row = &entry["row"];
        match (entry["table"].as_str().unwrap(), row["state"].as_str()) {
            ("rounds", _) => {
                let place = (row["sequence"].as_u64().unwrap(), row["created_at"].as_i64().unwrap());
                rounds.insert(text(&row["round_id"]), place);
            }
            ("contributions", Some(state @ ("included" | "rejected"))) => {
                let outcome = if state == "included" { Outcome::Included } else { Outcome::Rejected };
                let event = Event { sequence: rounds[row["round_id"].as_str().unwrap()].0, outcome };
                let changed_at = row["changed_at"].as_i64().unwrap();
                events.entry(text(&row["subject"])).or_default().push((changed_at, event));
            }
            _ => {}
        }
    }
    let mut checked = 0;
    for entry in rows.iter().filter(|entry| entry["table"] == "payouts") {
        let row = &entry["row"];
        let (sequence, created_at) = rounds[row["round_id"].as_str().unwrap()];
        let own = events.get(row["subject"].as_str().unwrap()).into_iter().flatten();
        let counting = own.filter(|(at, event)| event.sequence < sequence && *at <= created_at);
        let expected = reputation_ppm(counting.map(|(_, event)| *event), sequence).unwrap();
        assert_eq!(row["reputation_ppm"], expected, "{row}");
        checked += 1;
    }
    assert_eq!(checked, 2 + payouts.len());
}
