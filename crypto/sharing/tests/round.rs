//! A round of shares, from the clients' seeds to the opening of each holder's sum.

use names::{BodyDigest, PublicKey, RoundHash};
use rand::{SeedableRng, rngs::StdRng};
use sharing::{
    Commitment, KeyShare, RoundKeyPair, SealContext, SealRandomness, SealedSeed, ShareSeed, ShareSum,
    SharingError,
};

const ROUND: RoundHash = RoundHash::from_bytes([1; 32]);
const HOLDERS: usize = 2;

struct Contribution {
    client_key: PublicKey,
    body_digest: BodyDigest,
    commitments: Vec<Commitment>,
    sealed: Vec<SealedSeed>,
}

impl Contribution {
    fn new(client: u8, keys: &[RoundKeyPair], rng: &mut StdRng) -> Self {
        let seeds: Vec<ShareSeed> = keys.iter().map(|_| ShareSeed::generate(rng)).collect();
        let client_key = PublicKey::from_bytes([client; 32]);
        let commit = |(holder, seed)| KeyShare::derive(seed, &ROUND, &client_key, holder).commit();
        let commitments = (0..).zip(&seeds).map(commit).collect();
        let body_digest = BodyDigest::from_bytes([client ^ 0xff; 32]);
        let mut sent = Self { client_key, body_digest, commitments, sealed: vec![] };
        for (holder, (key, seed)) in (0..).zip(keys.iter().zip(&seeds)) {
            let (context, randomness) = (sent.context(key, holder), SealRandomness::generate(rng));
            let sealed = sharing::seal(seed, key.public(), &context, &randomness).expect("a good key");
            sent.sealed.push(sealed);
        }
        sent
    }

    fn context<'a>(&'a self, key: &'a RoundKeyPair, holder: u8) -> SealContext<'a> {
        SealContext {
            round_hash: &ROUND,
            holder,
            hpke_key_id: key.id(),
            client_key: &self.client_key,
            body_digest: &self.body_digest,
            commitments: &self.commitments,
        }
    }

    fn open(&self, key: &RoundKeyPair, holder: u8) -> Result<KeyShare, SharingError> {
        let seed = sharing::open(key, &self.sealed[usize::from(holder)], &self.context(key, holder))?;
        Ok(KeyShare::derive(&seed, &ROUND, &self.client_key, holder))
    }
}

fn round(clients: u8) -> (Vec<RoundKeyPair>, Vec<Contribution>, StdRng) {
    let mut rng = StdRng::seed_from_u64(5);
    let keys: Vec<RoundKeyPair> = (0..HOLDERS).map(|_| RoundKeyPair::generate(&mut rng)).collect();
    let contributions = (0..clients).map(|client| Contribution::new(client, &keys, &mut rng)).collect();
    (keys, contributions, rng)
}

#[test]
fn every_holder_opens_checks_and_sums_its_shares() {
    let (keys, contributions, mut rng) = round(5);
    for (holder, key) in (0..).zip(&keys) {
        let commitments: Vec<Commitment> =
            contributions.iter().map(|sent| sent.commitments[usize::from(holder)]).collect();
        let shares: Vec<KeyShare> =
            contributions.iter().map(|sent| sent.open(key, holder).expect("sealed to it")).collect();
        let items: Vec<_> = shares.iter().zip(&commitments).collect();
        assert_eq!(sharing::check_batch(&items, &mut rng), vec![Ok(()); 5]);
        assert_eq!(shares.iter().collect::<ShareSum>().verify(&commitments), Ok(()));
    }
}

#[test]
fn one_holders_sum_does_not_open_the_others_commitments() {
    let (keys, contributions, _) = round(2);
    let own: ShareSum = contributions.iter().map(|sent| sent.open(&keys[0], 0).expect("sealed to it")).fold(
        ShareSum::new(),
        |mut sum, share| {
            sum.add(&share);
            sum
        },
    );
    let others: Vec<Commitment> = contributions.iter().map(|sent| sent.commitments[1]).collect();
    assert_eq!(own.verify(&others), Err(SharingError::OpeningMismatch));
}

#[test]
fn a_holder_cannot_open_what_was_sealed_to_another() {
    let (keys, contributions, _) = round(1);
    assert_eq!(contributions[0].open(&keys[1], 0).map(drop), Err(SharingError::SealedSeed));
    assert_eq!(contributions[0].open(&keys[0], 1).map(drop), Err(SharingError::SealedSeed));
}

#[test]
fn swapped_sealed_seeds_are_refused() {
    let (keys, mut contributions, _) = round(1);
    contributions[0].sealed.swap(0, 1);
    assert_eq!(contributions[0].open(&keys[0], 0).map(drop), Err(SharingError::SealedSeed));
}

#[test]
fn a_sealed_seed_copied_from_another_client_is_refused() {
    let (keys, mut contributions, _) = round(2);
    contributions[1].sealed = contributions[0].sealed.clone();
    contributions[1].commitments = contributions[0].commitments.clone();
    contributions[1].body_digest = contributions[0].body_digest;
    assert_eq!(contributions[1].open(&keys[0], 0).map(drop), Err(SharingError::SealedSeed));
}

/// A client commits to a share that was derived for another holder, round or key. Its sealed seed
/// opens, but the share does not open the commitment.
#[test]
fn a_commitment_to_a_share_of_another_derivation_is_refused() {
    let seed = ShareSeed::from_bytes([9; 32]);
    let client_key = PublicKey::from_bytes([2; 32]);
    let commitment = KeyShare::derive(&seed, &ROUND, &client_key, 1).commit();
    assert_eq!(sharing::check(&KeyShare::derive(&seed, &ROUND, &client_key, 1), &commitment), Ok(()));
    let derived = [
        KeyShare::derive(&seed, &ROUND, &client_key, 0),
        KeyShare::derive(&seed, &[3; 32].into(), &client_key, 1),
        KeyShare::derive(&seed, &ROUND, &[3; 32].into(), 1),
    ];
    for share in &derived {
        assert_eq!(sharing::check(share, &commitment), Err(SharingError::CommitmentMismatch));
    }
}
