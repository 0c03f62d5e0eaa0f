//! Times a client's commitment and a holder's acceptance of a share.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use names::{BodyDigest, PublicKey, RoundHash};
use rand::rngs::OsRng;
use sharing::{
    Commitment, KeyShare, RoundKeyPair, SealContext, SealRandomness, SealedSeed, ShareSeed, ShareSum,
};

const ROUND: RoundHash = RoundHash::from_bytes([1; 32]);
const BODY: BodyDigest = BodyDigest::from_bytes([2; 32]);
const HOLDER: u8 = 1;

struct Sent {
    client_key: PublicKey,
    commitment: Commitment,
    sealed: SealedSeed,
}

fn context<'a>(
    key: &'a RoundKeyPair,
    client_key: &'a PublicKey,
    commitment: &'a Commitment,
) -> SealContext<'a> {
    SealContext {
        round_hash: &ROUND,
        holder: HOLDER,
        hpke_key_id: key.id(),
        client_key,
        body_digest: &BODY,
        commitments: std::slice::from_ref(commitment),
    }
}

fn send(key: &RoundKeyPair, client: u8) -> Sent {
    let (client_key, seed) = (PublicKey::from_bytes([client; 32]), ShareSeed::generate(&mut OsRng));
    let commitment = KeyShare::derive(&seed, &ROUND, &client_key, HOLDER).commit();
    let randomness = SealRandomness::generate(&mut OsRng);
    let sealed = sharing::seal(&seed, key.public(), &context(key, &client_key, &commitment), &randomness);
    Sent { client_key, commitment, sealed: sealed.expect("a generated key keeps the rules") }
}

fn receive(key: &RoundKeyPair, sent: &Sent) -> KeyShare {
    let seed = sharing::open(key, &sent.sealed, &context(key, &sent.client_key, &sent.commitment));
    KeyShare::derive(&seed.expect("sealed for this context"), &ROUND, &sent.client_key, HOLDER)
}

fn benches(c: &mut Criterion) {
    let key = RoundKeyPair::generate(&mut OsRng);
    let sent: Vec<Sent> = (0..64).map(|client| send(&key, client)).collect();
    let shares: Vec<KeyShare> = sent.iter().map(|sent| receive(&key, sent)).collect();
    let commitments: Vec<Commitment> = sent.iter().map(|sent| sent.commitment).collect();
    let sum: ShareSum = shares.iter().collect();

    c.bench_function("commit", |b| b.iter(|| shares[0].commit()));
    c.bench_function("open and expand one", |b| b.iter(|| receive(&key, &sent[0])));
    c.bench_function("open, expand and check one", |b| {
        b.iter(|| sharing::check(&receive(&key, &sent[0]), &sent[0].commitment).expect("an honest share"));
    });
    c.bench_function("check a batch of 64", |b| {
        b.iter_batched(
            || shares.iter().zip(&commitments).collect::<Vec<_>>(),
            |items| sharing::check_batch(&items, &mut OsRng),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("add 64 shares", |b| b.iter(|| shares.iter().collect::<ShareSum>()));
    c.bench_function("verify the opening of 64", |b| {
        b.iter(|| sum.verify(&commitments).expect("an honest sum"))
    });
}

criterion_group!(sharing, benches);
criterion_main!(sharing);
