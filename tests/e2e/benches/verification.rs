//! Measures the contributions per second that the service verifies, with norm proofs, over HTTP,
//! with two services and a database.
//!
//! `cargo bench -p e2e --bench verification` prints one line for each case. All contributions are
//! made beforehand and uploaded at once. The time runs from the first upload until the last
//! contribution is verified. The services, their clients and the database share all cores of the
//! machine. With `--features cuda` and `BACKEND=cuda` the aggregator computes on the machine's
//! card. A card that fails is an error here, although the processor would do its work again.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::time::{Duration, Instant};

use api::rounds::ProofDemand;
use client::ignore_progress;
use e2e::{
    Deployment, Federation,
    deployment::{Card, Options},
    federation::update,
};
use local::Service;

fn main() {
    e2e::server::serve_if_asked();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    println!("{threads} threads compute.\n");
    println!(
        "| d | clients | uploads | until verified | contributions a second | proof, median | proof, all |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|");
    for (log_dimension, clients) in [(16, 64), (20, 16)] {
        runtime.block_on(measure(log_dimension, clients, threads));
    }
}

async fn measure(log_dimension: u32, clients: usize, threads: usize) {
    let card = std::env::var("BACKEND").is_ok_and(|backend| backend == "cuda").then_some(Card::Real);
    let deployment =
        Deployment::start(Options { card, compute_threads: Some(threads), ..Options::default() }).await;
    let federation = Federation::new(&deployment, clients);
    federation.enrol().await.expect("everyone enrols");
    // The capacity is one more than needed, so that the round stays open.
    let view = federation.open_demanding(ProofDemand::NormV2, 1 << log_dimension, 2, clients as u32 + 1);
    let view = view.await.expect("a round opens");
    let round = federation.members[0].client.open_round(view.round_id).await.expect("the round");
    let mut prepared = Vec::new();
    for (seed, member) in (0..).zip(&federation.members) {
        let update = update(1 << log_dimension, seed);
        let message = member.client.prepare(&round, &member.participant, &update, 1, ignore_progress()).await;
        prepared.push((member.client.clone(), message.expect("a message")));
    }
    let start = Instant::now();
    let uploads: Vec<_> = prepared
        .into_iter()
        .map(|(client, message)| {
            let round = round.clone();
            tokio::spawn(async move { client.deliver(&round, message, ignore_progress()).await })
        })
        .collect();
    for upload in uploads {
        upload.await.expect("the upload ends").expect("the upload is accepted");
    }
    let uploaded = start.elapsed();
    while federation.members[0].client.round(view.round_id).await.expect("the round").progress.verified
        < clients as u64
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let verified = start.elapsed();
    let times = sqlx::query_scalar("SELECT proof_time_us FROM contributions ORDER BY proof_time_us");
    let times: Vec<i64> =
        times.fetch_all(&deployment.database(Service::Aggregator).await).await.expect("what each proof took");
    let times: Vec<_> = times.into_iter().map(|us| Duration::from_micros(us.unsigned_abs())).collect();
    let log = deployment.aggregator_log();
    assert!(!log.contains("the card has failed"), "{log}");
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "| 2^{log_dimension} | {clients} | {:.0} ms | {:.0} ms | {:.2} | {:.1} ms | {:.0} ms |",
        milliseconds(uploaded),
        milliseconds(verified),
        clients as f64 / verified.as_secs_f64(),
        milliseconds(times[times.len() / 2]),
        milliseconds(times.iter().sum()),
    );
}
