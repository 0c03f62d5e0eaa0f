//! Tests of sealing.

use names::Name;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use testkit::flip;

use super::*;
use crate::{
    test_shares::share,
    test_vectors::{array, list, spoil},
};

/// The context of a sealed seed, owned, so that a test can change each field.
#[derive(Clone)]
struct Binding {
    round_hash: RoundHash,
    holder: u8,
    hpke_key_id: RoundKeyId,
    client_key: PublicKey,
    body_digest: BodyDigest,
    commitments: Vec<Commitment>,
}

impl Binding {
    fn of(key: &RoundKeyPair) -> Self {
        Self {
            round_hash: [1; 32].into(),
            holder: 1,
            hpke_key_id: *key.id(),
            client_key: [2; 32].into(),
            body_digest: [3; 32].into(),
            commitments: vec![share(0).commit(), share(1).commit()],
        }
    }

    fn context(&self) -> SealContext<'_> {
        SealContext {
            round_hash: &self.round_hash,
            holder: self.holder,
            hpke_key_id: &self.hpke_key_id,
            client_key: &self.client_key,
            body_digest: &self.body_digest,
            commitments: &self.commitments,
        }
    }
}

fn key(seed: u64) -> RoundKeyPair {
    RoundKeyPair::generate(&mut StdRng::seed_from_u64(seed))
}

fn seal_to(key: &RoundKeyPair, binding: &Binding) -> SealedSeed {
    let seed = ShareSeed::from_bytes([7; 32]);
    seal(&seed, key.public(), &binding.context(), &[9; 64].into()).expect("the key is good")
}

/// The bytes of the opened seed.
fn opened(key: &RoundKeyPair, sealed: &SealedSeed, binding: &Binding) -> Result<Vec<u8>, SharingError> {
    open(key, sealed, &binding.context()).map(|seed| seed.as_bytes().to_vec())
}

#[test]
fn a_sealed_seed_opens_with_the_key_pair_and_its_copy_from_a_vault() {
    let key = key(1);
    let binding = Binding::of(&key);
    let sealed = seal_to(&key, &binding);
    assert_eq!(opened(&key, &sealed, &binding), Ok(vec![7; 32]));
    let restored = RoundKeyPair::from_private(*key.id(), (*key.private().as_bytes()).into());
    assert_eq!(restored.public(), key.public());
    assert_eq!(opened(&restored, &sealed, &binding), Ok(vec![7; 32]));
}

#[test]
fn other_randomness_gives_other_bytes_and_the_same_gives_the_same() {
    let key = key(1);
    let binding = Binding::of(&key);
    let seal = |randomness: [u8; 64]| {
        seal(&ShareSeed::from_bytes([7; 32]), key.public(), &binding.context(), &randomness.into()).unwrap()
    };
    let first = seal([1; 64]);
    assert_eq!(first, seal([1; 64]));
    // The first half is for ML-KEM, the second for X25519.
    for changed in [0, 63] {
        let mut randomness = [1; 64];
        randomness[changed] = 2;
        let second = seal(randomness);
        let parts = [0..1088, 1088..1120, 1120..SealedSeed::BYTES];
        let differs = parts.map(|part| first.0[part.clone()] != second.0[part]);
        assert_eq!(differs, [changed == 0, changed == 63, true]);
    }
}

/// Info and associated data are written out as the wire format defines them.
#[test]
fn sealed_seeds_are_hpke_with_the_info_and_data_of_the_wire_format() {
    let key = key(1);
    let binding = Binding::of(&key);
    let sealed = seal_to(&key, &binding);
    let [first, second] = [0, 1].map(|client| share(client).commit().encoded());
    let (id, first, second) = (key.id().as_bytes(), first.as_bytes(), second.as_bytes());
    let data = [&[1; 32][..], &[1], id, &[2; 32], &[3; 32], &[2], first, second].concat();
    let (encapsulated, ciphertext) = sealed.0.split_first_chunk().unwrap();
    let info = b"blindsum/v2/mask-key-share";
    let seed = hybrid::open(key.private().as_bytes(), info, encapsulated, ciphertext, &data);
    assert_eq!(*seed.unwrap(), [7; 32]);
}

/// A seal of our own, with all that goes into it.
fn vector(vector: &Value) -> (RoundKeyPair, Binding, ShareSeed, SealRandomness, SealedSeed) {
    let key =
        RoundKeyPair::from_private(array(&vector["hpke_key_id"]).into(), array(&vector["private"]).into());
    let commitments = vector["commitments"].as_array().unwrap().iter();
    let binding = Binding {
        round_hash: array(&vector["round_hash"]).into(),
        holder: vector["holder"].as_u64().unwrap() as u8,
        hpke_key_id: *key.id(),
        client_key: array(&vector["client_key"]).into(),
        body_digest: array(&vector["body_digest"]).into(),
        commitments: commitments.map(|one| Commitment::decode(&array(one).into()).unwrap()).collect(),
    };
    let (seed, randomness) = (array(&vector["seed"]).into(), array(&vector["randomness"]).into());
    (key, binding, seed, randomness, SealedSeed(array(&vector["sealed"])))
}

#[test]
fn seals_are_those_of_an_independent_program() {
    for entry in list("own", 2) {
        let (key, binding, seed, randomness, sealed) = vector(&entry);
        assert_eq!(seal(&seed, key.public(), &binding.context(), &randomness), Ok(sealed));
        assert_eq!(opened(&key, &sealed, &binding), Ok(seed.as_bytes().to_vec()));
    }
}

#[test]
fn a_seal_of_small_order_is_refused_without_a_key() {
    let (key, binding, _, _, sound) = vector(&list("own", 2)[0]);
    assert_eq!(sound.check(), Ok(()));
    for fault in list("refused_seals", 14) {
        let mut sealed = sound;
        let name = spoil(&mut sealed.0, &fault);
        assert_eq!(sealed.check(), Err(SharingError::SealSmallOrder), "{name}");
        assert_eq!(opened(&key, &sealed, &binding), Err(SharingError::SealSmallOrder), "{name}");
    }
}

#[test]
fn a_seal_that_breaks_no_public_rule_may_still_not_open() {
    let (key, binding, _, _, sound) = vector(&list("own", 2)[0]);
    for fault in list("closed_seals", 8) {
        let mut sealed = sound;
        let name = spoil(&mut sealed.0, &fault);
        assert_eq!(sealed.check(), Ok(()), "{name}");
        assert_eq!(opened(&key, &sealed, &binding), Err(SharingError::SealedSeed), "{name}");
    }
}

#[test]
fn a_changed_byte_anywhere_in_the_sealed_seed_is_refused() {
    let key = key(1);
    let binding = Binding::of(&key);
    let sealed = seal_to(&key, &binding);
    for byte in 0..SealedSeed::BYTES {
        for change in [1 << (byte % 8), 0xff] {
            let mut tampered = sealed;
            tampered.0[byte] ^= change;
            assert_eq!(opened(&key, &tampered, &binding), Err(SharingError::SealedSeed), "byte {byte}");
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_the_context_is_refused() {
    let key = key(1);
    let binding = Binding::of(&key);
    let sealed = seal_to(&key, &binding);
    type Flip = fn(&mut Binding, usize);
    let fields: [(usize, Flip); 5] = [
        (RoundHash::LENGTH, |binding, bit| flip(&mut binding.round_hash, bit)),
        (1, |binding, bit| binding.holder ^= 1 << bit),
        (RoundKeyId::LENGTH, |binding, bit| flip(&mut binding.hpke_key_id, bit)),
        (PublicKey::LENGTH, |binding, bit| flip(&mut binding.client_key, bit)),
        (BodyDigest::LENGTH, |binding, bit| flip(&mut binding.body_digest, bit)),
    ];
    for (number, (length, flip)) in fields.into_iter().enumerate() {
        for byte in 0..length {
            let mut tampered = binding.clone();
            flip(&mut tampered, 8 * byte + byte % 8);
            let refused = opened(&key, &sealed, &tampered);
            assert_eq!(refused, Err(SharingError::SealedSeed), "field {number}, byte {byte}");
        }
    }
}

#[test]
fn other_commitments_are_refused() {
    let key = key(1);
    let binding = Binding::of(&key);
    let sealed = seal_to(&key, &binding);
    let [own, other, strange] = [share(0).commit(), share(1).commit(), share(2).commit()];
    let changed = [
        vec![],
        vec![own],
        vec![other, own],
        vec![strange, other],
        vec![own, strange],
        vec![own, other, strange],
    ];
    for commitments in changed {
        let tampered = Binding { commitments, ..binding.clone() };
        assert_eq!(opened(&key, &sealed, &tampered), Err(SharingError::SealedSeed));
    }
}

#[test]
fn another_key_does_not_open_even_under_the_same_id() {
    let (key, other) = (key(1), key(2));
    let binding = Binding::of(&key);
    let sealed = seal_to(&key, &binding);
    let disguised = RoundKeyPair::from_private(*key.id(), (*other.private().as_bytes()).into());
    assert_eq!(opened(&disguised, &sealed, &binding), Err(SharingError::SealedSeed));
}

/// The zero key is what a key file holds that was overwritten and not removed.
#[test]
fn the_zero_key_opens_nothing_that_was_sealed_to_another() {
    let key = key(1);
    let binding = Binding::of(&key);
    let zero = RoundKeyPair::from_private(*key.id(), [0; 32].into());
    assert_eq!(opened(&zero, &seal_to(&key, &binding), &binding), Err(SharingError::SealedSeed));
}

#[test]
fn nothing_is_sealed_to_a_key_that_breaks_a_rule() {
    let binding = Binding::of(&key(1));
    let sound: [u8; 1216] = array(&list("own", 2)[0]["public"]);
    for fault in list("refused_keys", 18) {
        let mut key = sound;
        let name = spoil(&mut key, &fault);
        let refused = seal(&[7; 32].into(), &key.into(), &binding.context(), &[9; 64].into());
        assert_eq!(refused, Err(SharingError::RecipientKey), "{name}");
    }
}
