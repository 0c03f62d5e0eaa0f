//! What a combiner computes for a cohort: opening, checking and attesting at intake, and the sum at the end. Divide by
//! the size of the cohort for the cost of a client; the dimension of its update plays no part.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use masking::{RoundConstants, RoundRequest};
use protocol::{
    Holder, IdentityKey, Proof, RoundDocument, Tensor, VerifiedRound,
    roles::combiner::{AttestedMember, answer, attest, check_shares, open_share},
};
use rand::{SeedableRng, rngs::StdRng};
use sharing::RoundKeyPair;

#[expect(dead_code, reason = "a part of the tests, of which only the honest client is needed")]
#[path = "../tests/it/contribution.rs"]
mod contribution;

const HOLDER: u8 = 1;

fn round(registrar: &IdentityKey, holders: &[(IdentityKey, RoundKeyPair)]) -> VerifiedRound {
    let request =
        RoundRequest { dimension: 1 << 20, max_contributions: 4096, norm_bound: 1 << 18, clip: 1.0 };
    let constants = RoundConstants::derive(&request).unwrap();
    let holder = |(identity, key): &(IdentityKey, RoundKeyPair)| Holder {
        identity_key: identity.public(),
        hpke_key_id: *key.id(),
        hpke_public_key: *key.public(),
    };
    let document = RoundDocument {
        round_id: [1; 16],
        model_digest: [2; 32],
        model_bytes: 4 << 20,
        model_location: "/v1/models/00".into(),
        tensors: vec![Tensor { name: "weight".into(), shape: vec![1 << 20], offset: 0 }],
        dimension: request.dimension,
        max_contributions: request.max_contributions,
        min_cohort: 3,
        norm_bound: request.norm_bound,
        scale_log2: constants.scale_log2.try_into().unwrap(),
        transport_bits: constants.transport_bits.try_into().unwrap(),
        noisy_norm_bound: constants.noisy_norm_bound,
        clip: request.clip,
        scale: constants.scale,
        weight_min: 1,
        weight_max: 1,
        mask_seed: [3; 32],
        opens_at_ms: 0,
        earliest_close_ms: 0,
        closes_at_ms: 1,
        registrar_key: registrar.public(),
        credential_epoch: 7,
        holders: holders.iter().map(holder).collect(),
        proof: Proof::None,
        max_attempts: 1,
        payout: None,
        min_reputation_ppm: 0,
    };
    VerifiedRound::own(document).unwrap()
}

fn clients(criterion: &mut Criterion) {
    let mut rng = StdRng::seed_from_u64(0);
    let registrar = IdentityKey::generate(&mut rng);
    let holders: Vec<_> =
        (0..2).map(|_| (IdentityKey::generate(&mut rng), RoundKeyPair::generate(&mut rng))).collect();
    let (identity, key) = &holders[usize::from(HOLDER)];
    let round = round(&registrar, &holders);
    let members: Vec<AttestedMember> = (0..256)
        .map(|index| {
            let subject = format!("client-{index}");
            let sent = contribution::Contribution::honest(&mut rng, &registrar, &round, &subject);
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
                black_box(attest(&round, HOLDER, &member.header, identity));
            });
        });
    });
    let set: Vec<&AttestedMember> = members.iter().collect();
    group.bench_function("release", |bencher| {
        bencher.iter(|| answer(&round, &[0; 32], HOLDER, key, &set, identity).unwrap());
    });
}

criterion_group!(benches, clients);
criterion_main!(benches);
