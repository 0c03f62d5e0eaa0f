//! Tests that either service may be killed at any moment. A service is started so that it dies
//! right after its n-th write. A write is a statement of the database, an operation of the object
//! store or an operation of the vault. It is started again, and the round must end with the same
//! sum. This is repeated for every n of a round.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a step that fails fails the test; the number of kills is reported"
)]

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use api::{contributions::ContributionState, rounds::RoundState};
use e2e::{
    Deployment, Federation,
    deployment::Options,
    federation::{CHAIN, POOL, add_quantised},
};
use ledger::payout_tree::Address;
use local::Service;
use names::RoundId;

/// Not a test by itself. The services of the tests below run in it.
#[test]
fn server_process() {
    e2e::server::serve_if_asked();
}

const DIMENSION: u32 = 2048;
const CLIENTS: usize = 2;

/// Plays a round in which the victim dies after its `n`-th write. Returns `true` if the round ended
/// before that write.
async fn survives(victim: Service, n: u64) -> bool {
    let mut options = Options::default();
    match victim {
        Service::Aggregator => options.crash_aggregator_after = Some(n),
        Service::Combiner => options.crash_combiner_after = Some(n),
    }
    let deployment = Deployment::start(options).await;
    let (started, mut died) = (Instant::now(), false);
    tokio::select! {
        never = revive(&deployment, victim, &mut died) => match never {},
        () = play_and_check(&deployment, victim, n) => {}
    }
    println!(
        "{victim:?}, {n}: {} after {:.1} s",
        if died { "killed" } else { "survived" },
        started.elapsed().as_secs_f32()
    );
    !died
}

/// Starts the victim again whenever it has died. Never returns.
async fn revive(deployment: &Deployment, victim: Service, died: &mut bool) -> Infallible {
    while deployment.process(victim).ended().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    *died = true;
    deployment.restart(victim).await;
    std::future::pending().await
}

async fn play_and_check(deployment: &Deployment, victim: Service, n: u64) {
    // Clients retry until a dead service is back.
    match tokio::spawn(play(Federation::new(deployment, CLIENTS))).await {
        Ok(round_id) => check_record(deployment, round_id, victim, n).await,
        Err(error) => panic!("{victim:?} killed after {n}: {error}\n{}", deployment.logs()),
    }
}

/// Plays a round with `CLIENTS` contributions. Checks the sum and the state of each contribution.
/// Returns the round id.
async fn play(federation: Federation) -> RoundId {
    federation.enrol().await.unwrap();
    // All participants but one can be paid at once.
    for (byte, member) in (1..).zip(&federation.members[1..]) {
        member
            .client
            .claim_address(&member.participant, Address::from_bytes([byte; 20]), CHAIN, 1)
            .await
            .unwrap();
    }
    let view = federation.open(DIMENSION, 2, CLIENTS as u32).await.unwrap();
    let round = federation.members[0].client.open_round(view.round_id).await.unwrap();
    let mut expected = Vec::new();
    let mut acknowledged = Vec::new();
    for (seed, member) in (0..).zip(&federation.members) {
        let contribution = member.contribute(&round, seed).await.unwrap();
        add_quantised(&mut expected, &contribution);
        acknowledged.push(contribution);
    }
    // The last contribution fills the round, which then closes.
    let view = federation.wait_for(&view, &[RoundState::Published, RoundState::Failed]).await;
    assert_eq!(view.state, RoundState::Published, "{:?}", view.failure);
    let client = &federation.members[0].client;
    assert_eq!(client.result_sum(&round).await.unwrap().values, expected);
    for contribution in &acknowledged {
        let status = client.status(view.round_id, contribution.id).await.unwrap();
        assert_eq!(status.state, ContributionState::Included);
        client.inclusion(&round, &contribution.receipt).await.unwrap();
    }
    view.round_id
}

/// Checks that nothing is counted twice and that no key of the ended round remains.
async fn check_record(deployment: &Deployment, round_id: RoundId, victim: Service, n: u64) {
    let database = deployment.database(Service::Aggregator).await;
    let contributions: i64 =
        sqlx::query_scalar("SELECT count(*) FROM contributions").fetch_one(&database).await.unwrap();
    assert_eq!(contributions, CLIENTS as i64, "{victim:?} killed after {n}");
    let repeated: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM contribution_events GROUP BY contribution_id, state HAVING count(*) > 1) e",
    )
    .fetch_one(&database)
    .await
    .unwrap();
    assert_eq!(repeated, 0, "{victim:?} killed after {n}: a state was entered twice");
    let releases: i64 = sqlx::query_scalar("SELECT count(*) FROM releases")
        .fetch_one(&deployment.database(Service::Combiner).await)
        .await
        .unwrap();
    assert_eq!(releases, 1);
    for service in Service::ALL {
        deployment.wait_for_no_key(service, round_id).await;
    }
    check_payout(deployment, &database, victim, n).await;
}

/// Checks that the round is paid once, that the books balance, and that the log and the tables
/// agree under a signed checkpoint.
async fn check_payout(deployment: &Deployment, database: &sqlx::PgPool, victim: Service, n: u64) {
    let started = Instant::now();
    let unfinished = "SELECT count(*) FROM jobs WHERE kind IN ('payout', 'checkpoint') AND state <> 'done'
                      OR NOT EXISTS (SELECT FROM jobs WHERE kind = 'checkpoint' AND key = 'paid')";
    while sqlx::query_scalar::<_, i64>(unfinished).fetch_one(database).await.unwrap() > 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "{}", deployment.logs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let balances: Vec<(String, String)> =
        sqlx::query_as("SELECT kind, sum(balance)::TEXT FROM audit.balances GROUP BY kind ORDER BY kind")
            .fetch_all(database)
            .await
            .unwrap();
    let share = POOL / CLIENTS as u128;
    let expected = [
        ("distributor", (share * (CLIENTS as u128 - 1)).to_string()),
        ("participant", share.to_string()),
        ("treasury", format!("-{POOL}")),
    ];
    let expected = expected.map(|(kind, balance)| (kind.to_owned(), balance));
    assert_eq!(balances, expected, "{victim:?} killed after {n}");
    let mut connection = database.acquire().await.unwrap();
    let findings = aggregator::record::check(&mut connection, &deployment.pins.aggregator).await.unwrap();
    assert_eq!(findings.contradictions, [], "{victim:?} killed after {n}");
    assert!(findings.signed > 0);
}

/// Tries every n from 1 until a round ends before the n-th write. Several rounds run at a time,
/// since a round mostly waits for a lease to expire.
fn every_n(victim: Service) {
    let (next, survived) = (AtomicU64::new(1), AtomicU64::new(u64::MAX));
    let work = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        while survived.load(Ordering::SeqCst) == u64::MAX {
            let n = next.fetch_add(1, Ordering::SeqCst);
            if runtime.block_on(survives(victim, n)) {
                survived.fetch_min(n, Ordering::SeqCst);
            }
        }
    };
    std::thread::scope(|scope| (0..AT_A_TIME).for_each(|_| drop(scope.spawn(work))));
    let kills = survived.into_inner() - 1;
    println!("{victim:?}: killed after each of {kills} stored things");
    assert!(kills > 20, "the counter does not count");
}

/// The number of deployments that run at the same time, for each of the two victims.
const AT_A_TIME: usize = 2;

#[test]
fn p4_p5_the_aggregator_killed_after_any_stored_thing_resumes_and_sums_everyone_once() {
    every_n(Service::Aggregator);
}

#[test]
fn p4_p5_the_combiner_killed_after_any_stored_thing_resumes_and_releases_once() {
    every_n(Service::Combiner);
}
