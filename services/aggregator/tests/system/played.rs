//! Databases with rows in all recorded tables.

use api::{
    payouts::{Amount, PayoutPolicy, PayoutTerms, Token},
    rounds::RoundState,
};

use crate::{
    deployment::{Deployment, eventually},
    participant::{Participant, put_claim},
};

/// Plays a round with an included and a rejected contribution. Inserts rows into every other
/// recorded table, as the service would. A checkpoint covers all of it.
pub(crate) async fn everything() -> Deployment {
    let deployment = Deployment::start().await;
    let round = deployment.open_round().await;
    for name in ["a", "b"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
    }
    let participant = Participant::enrolled(&deployment, "c").await;
    let spoilt = participant.spoil_seed(&participant.contribute(&round, 0.01, 1), 0);
    spoilt.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1 && view.progress.received == 0).await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    deployment.until_sealed().await;
    let mut tx = deployment.db.begin().await.unwrap();
    for statement in [
        "INSERT INTO accounts (kind, subject, asset, opened_at)
         VALUES ('treasury', NULL, 'points', now()), ('participant', 'a', 'points', now()), ('distributor', NULL, 'points', now())",
        "INSERT INTO payouts (round_id, contribution_id, subject, weight, score_ppm, reputation_ppm, amount)
         SELECT round_id, contribution_id, subject, weight, 1000000, 500000, 10 FROM contributions WHERE subject = 'a'",
        "INSERT INTO claim_addresses (subject, chain_id, sequence, address, message, stored_at)
         VALUES ('a', 1, 1, substr(sha256('a'), 1, 20), 'x', now())",
        "INSERT INTO payout_batches (round_id, asset, root, lines, total, made_at)
         SELECT round_id, 'points', sha256(''), 1, 10, now() FROM rounds",
        "INSERT INTO payout_lines (batch_id, subject, address, amount) VALUES (1, 'a', substr(sha256('a'), 1, 20), 10)",
        "INSERT INTO payments (batch_id, reference) VALUES (1, 'transaction')",
        "INSERT INTO transfers (kind, round_id, asset, posted_at) SELECT 'round', round_id, 'points', now() FROM rounds",
        "INSERT INTO postings (transfer_id, account_id, amount)
         SELECT 1, account_id, CASE kind WHEN 'treasury' THEN -10 ELSE 10 END FROM accounts WHERE kind <> 'distributor'",
        "INSERT INTO erasures (round_id, erased_at) SELECT round_id, now() FROM rounds",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    tx.commit().await.unwrap();
    deployment.until_sealed().await;
    deployment
}

/// Plays a round that pays. One participant can claim, another cannot, and a third was rejected.
pub(crate) async fn paid() -> Deployment {
    let deployment = Deployment::start().await;
    let mut plan = deployment.plan().await;
    let token = Token { chain_id: 1, contract: "0x5fbdb2315678afecb367f032d93f642f64180aa3".into() };
    let policy = PayoutPolicy::ScoreReputation;
    plan.payout = Some(PayoutTerms { policy, pool: Amount(1_000), token: Some(token) });
    let round = deployment.open_planned(&plan).await;
    for name in ["client-001", "client-002"] {
        let participant = Participant::enrolled(&deployment, name).await;
        participant.contribute(&round, 0.01, 1).upload(&deployment, &round).await;
        if name == "client-001" {
            let claim = participant.claim_address(1, [0xaa; 20], 1);
            assert_eq!(put_claim(&deployment, name, &claim).await.status, 200);
        }
    }
    let participant = Participant::enrolled(&deployment, "client-003").await;
    let spoilt = participant.spoil_seed(&participant.contribute(&round, 0.01, 1), 0);
    spoilt.upload(&deployment, &round).await;
    deployment.until(&round, |view| view.progress.rejected == 1 && view.progress.received == 0).await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Published).await;
    eventually("the payout", async || {
        let paid = "SELECT COUNT(*) FROM jobs WHERE kind = 'checkpoint' AND key = 'paid' AND state = 'done'";
        let paid: i64 = sqlx::query_scalar(paid).fetch_one(&deployment.db).await.unwrap();
        (paid == 1).then_some(())
    })
    .await;
    deployment
}
