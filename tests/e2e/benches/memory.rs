//! Measures the resident memory of the aggregator while many clients upload at once and the round
//! closes.
//!
//! `cargo bench -p e2e --bench memory` prints one line for each case. The line has the peak of the
//! aggregator's resident set (`VmHWM`), the aim, and the times of uploading and closing. The aim is
//! 64 MiB, and 8 MiB for each upload that the aggregator receives at the same time. Clients wait
//! for each other before they upload, so all of them arrive at once.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::{sync::Arc, time::Instant};

use api::rounds::RoundState;
use client::ignore_progress;
use e2e::{Deployment, Federation, deployment::Options, federation::update};
use local::Service;

const CONCURRENT_UPLOADS: usize = 16;

fn main() {
    e2e::server::serve_if_asked();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("| clients | d | at start | peak | aim | uploads | closing | sum |");
    println!("|--:|--:|--:|--:|--:|--:|--:|---|");
    for (clients, log_dimension) in [(100, 20), (10, 23)] {
        runtime.block_on(measure(clients, 1 << log_dimension, log_dimension));
    }
}

async fn measure(clients: usize, dimension: u32, log_dimension: u32) {
    let options = Options { concurrent_uploads: Some(CONCURRENT_UPLOADS), ..Options::default() };
    let deployment = Deployment::start(options).await;
    let federation = Federation::new(&deployment, clients);
    federation.enrol().await.expect("everyone enrols");
    let view = federation.open(dimension, 2, clients as u32).await.expect("a round opens");
    let round = federation.members[0].client.open_round(view.round_id).await.expect("the round");
    let at_start = peak_mib(&deployment);

    let mut prepared = Vec::new();
    let mut expected = vec![0i64; dimension as usize];
    for (seed, member) in (0..).zip(&federation.members) {
        let update = update(dimension.into(), seed);
        let participant = &member.participant;
        let message = member.client.prepare(&round, participant, &update, 1, ignore_progress()).await;
        let message = message.expect("a message");
        let values = message.preparation.quantised.values();
        expected.iter_mut().zip(values).for_each(|(sum, &value)| *sum += i64::from(value));
        prepared.push(message);
    }
    let start = Instant::now();
    let federation = Arc::new(federation);
    let uploads: Vec<_> = prepared
        .into_iter()
        .enumerate()
        .map(|(i, message)| {
            let (federation, round) = (federation.clone(), round.clone());
            let deliver =
                async move { federation.members[i].client.deliver(&round, message, ignore_progress()).await };
            tokio::spawn(deliver)
        })
        .collect();
    for upload in uploads {
        upload.await.expect("the upload ends").expect("the upload is accepted");
    }
    let uploaded = start.elapsed();
    let start = Instant::now();
    let ended = federation.wait_for(&view, &[RoundState::Published, RoundState::Failed]).await;
    let closed = start.elapsed();
    let sum = federation.members[0].client.result_sum(&round).await.expect("the sum");
    println!(
        "| {clients} | 2^{log_dimension} | {at_start} MiB | {} MiB | {} MiB | {:.1} s | {:.1} s | {} |",
        peak_mib(&deployment),
        64 + 8 * CONCURRENT_UPLOADS,
        uploaded.as_secs_f64(),
        closed.as_secs_f64(),
        if ended.state == RoundState::Published && sum.values == expected { "exact" } else { "WRONG" },
    );
}

/// The peak of the aggregator's resident set until now.
fn peak_mib(deployment: &Deployment) -> u64 {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", deployment.process(Service::Aggregator).id()));
    let status = status.expect("the process's status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak of the resident set");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("kibibytes") / 1024
}
