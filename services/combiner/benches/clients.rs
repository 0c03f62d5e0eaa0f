//! Measures a combiner's work for a cohort. The combiner opens, checks and attests shares at
//! intake, and adds them at the end. Divide a time by the size of the cohort to get the cost of one
//! participant. The dimension of the update does not change the cost.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use protocol::{
    VerifiedRound,
    roles::combiner::{AttestedMember, answer, attest, check_shares, open_share},
};
use rand::{SeedableRng, rngs::StdRng};
use testbed::{Envelope, Parties};

const HOLDER: u8 = 1;

fn round(parties: &Parties) -> VerifiedRound {
    let round = parties.round().tensors(&[("weight", &[1 << 20])]).set(|document| {
        document.max_contributions = 4096;
        document.clip = 1.0;
    });
    VerifiedRound::trusted(round.document()).unwrap()
}

fn clients(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(0);
    let parties = Parties::draw(1, &mut rng);
    let (identity, key) = &parties.holders[usize::from(HOLDER)];
    let round = round(&parties);
    let members: Vec<AttestedMember> = (0..256)
        .map(|index| {
            let subject = format!("client-{index}");
            let sent = Envelope::honest(&mut rng, &parties.registrar, &round, &subject);
            AttestedMember { header: sent.header, sealed: sent.sealed }
        })
        .collect();
    let mut group = criterion.benchmark_group("256 clients");
    group.sample_size(10).throughput(Throughput::Elements(members.len() as u64));
    group.bench_function("attest", |bencher| {
        bencher.iter(|| {
            let open =
                |member: &AttestedMember| open_share(&round, HOLDER, key, &member.header, &member.sealed);
            let shares: Vec<_> = members.iter().map(|member| open(member).unwrap()).collect();
            let opened: Vec<_> = members.iter().map(|member| &member.header).zip(&shares).collect();
            let checks = check_shares(HOLDER, &opened, &mut rng);
            assert!(checks.iter().all(Result::is_ok));
            members.iter().for_each(|member| {
                black_box(attest(&round, HOLDER, &member.header, identity).unwrap());
            });
        });
    });
    let set: Vec<&AttestedMember> = members.iter().collect();
    group.bench_function("release", |bencher| {
        bencher.iter(|| answer(&round, &[0; 32].into(), HOLDER, key, &set, identity).unwrap());
    });
}

criterion_group!(benches, clients);
criterion_main!(benches);
