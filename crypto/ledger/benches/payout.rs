//! Splits a pool among a million participants, and builds the tree of their payments.

#![allow(missing_docs, reason = "criterion's macros")]

use criterion::{Criterion, criterion_group, criterion_main};
use ledger::{
    payout::{Recipient, split},
    payout_tree::{Address, Payment, PayoutTree},
};

const PARTICIPANTS: u64 = 1_000_000;

fn payout(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("payout");
    group.sample_size(10);
    // Weights of different sizes in no order, from a multiplicative generator modulo a prime.
    let weights = std::iter::successors(Some(1u64), |weight| Some(weight * 48_271 % 2_147_483_647));
    let names: Vec<String> =
        (0..PARTICIPANTS).map(|i| format!("participant-{}", i * 7_919 % PARTICIPANTS)).collect();
    let recipients: Vec<Recipient<'_>> =
        names.iter().zip(weights).map(|(participant, weight)| Recipient { participant, weight }).collect();
    group.bench_function("split/1000000", |bench| bench.iter(|| split(10u128.pow(27) + 1, &recipients)));

    let shares = split(10u128.pow(27) + 1, &recipients).expect("there are weights");
    let payments: Vec<Payment> = (0..PARTICIPANTS)
        .zip(shares)
        .map(|(i, amount)| {
            let mut address = [0; 20];
            address[..8].copy_from_slice(&i.to_be_bytes());
            Payment { address: Address::from_bytes(address), amount }
        })
        .collect();
    group.bench_function("tree/1000000", |bench| bench.iter(|| PayoutTree::new(payments.clone())));
    group.finish();
}

criterion_group!(benches, payout);
criterion_main!(benches);
