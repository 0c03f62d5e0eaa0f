//! Contributions from a generator that repeats itself, as in a copied virtual machine.

use lattice::{CpuBackend, Width, expand::SecretStreamKey, field, pack};
use masking::{Masker, Quantised, quantise};
use names::RoundHash;
use protocol::{
    IdentityKey, Proof, VerifiedRound,
    roles::client::{Attempt, Offer},
};
use rand::{SeedableRng, rngs::StdRng};
use testbed::{EPOCH, Message, Participant};

use crate::fixture::{Fixture, document};

/// The state of the generator, in all copies of the machine.
fn repeated() -> StdRng {
    StdRng::seed_from_u64(77)
}

fn participant(fixture: &mut Fixture, subject: &str) -> Participant {
    Participant::new(&fixture.parties.registrar, subject, EPOCH, &mut fixture.rng)
}

/// An update whose coordinates are all different. It is short enough that nothing is clipped.
fn update(round: &VerifiedRound, stretch: f32) -> Vec<f32> {
    (0..round.document().dimension).map(|k| (k as f32 / 4048.0 - 0.4) * stretch).collect()
}

/// The words v of a body.
fn words(width: Width, body: &[u8]) -> Vec<u64> {
    let mut words = vec![0; 8 * body.len() / width.bits() as usize];
    assert!(pack::unpack_add(width, body, &mut words), "a body is canonical");
    words
}

/// Guesses the differences of two updates from the two bodies alone. With one key and one stream of
/// errors, b₁ − b₂ = Δ·(x₁ − x₂) and the difference of two roundings, which is far below Δ.
fn differences(round: &VerifiedRound, one: &[u8], other: &[u8]) -> Vec<i64> {
    let constants = round.constants();
    let (width, half) = (constants.width(), 1 << (constants.scale_log2 - 1));
    let pairs = words(width, one).into_iter().zip(words(width, other));
    let tau = width.transport_bits();
    pairs
        .map(|(one, other)| {
            let difference = field::centre(field::sub(one << tau, other << tau));
            (difference + half) >> constants.scale_log2
        })
        .collect()
}

/// Counts the coordinates that differ and whose difference the attack guesses.
fn found(round: &VerifiedRound, one: (&[u8], &Quantised), other: (&[u8], &Quantised)) -> usize {
    let guesses = differences(round, one.0, other.0);
    let truth = one.1.values().iter().zip(other.1.values()).map(|(&x, &y)| i64::from(x) - i64::from(y));
    guesses.iter().zip(truth).filter(|&(&guess, truth)| guess == truth && truth != 0).count()
}

/// Counts the coordinates that differ.
fn differing(one: &Quantised, other: &Quantised) -> usize {
    one.values().iter().zip(other.values()).filter(|(x, y)| x != y).count()
}

#[test]
fn the_attack_finds_every_difference_where_key_and_errors_repeat() {
    let mut fixture = Fixture::new(90);
    let round = &fixture.round.clone();
    let key = testkit::seeded::key_share(1);
    let mask = |stretch: f32| {
        let quantised = quantise(&update(round, stretch), 1, round.constants(), [1; 32].into()).unwrap();
        let (backend, errors) = (CpuBackend::new(), SecretStreamKey::generate(&mut repeated()));
        let mask_seed = &round.document().mask_seed;
        let mut masker = Masker::new(&backend, round.constants(), mask_seed, &key, errors);
        let mut body = Vec::new();
        masker.mask_chunk(0, quantised.values(), &mut body).unwrap();
        (body, quantised)
    };
    let ((one, x), (other, y)) = (mask(0.01), mask(0.02));
    assert!(differing(&x, &y) > 3900);
    assert_eq!(found(round, (&one, &x), (&other, &y)), differing(&x, &y));
    let fresh =
        participant(&mut fixture, "alice").contribute(round, &update(round, 0.02), 1, &mut repeated());
    assert_eq!(found(round, (&one, &x), (&fresh.body, &fresh.quantised)), 0);
}

#[test]
fn a_repeated_generator_reveals_nothing_of_two_updates() {
    let mut fixture = Fixture::new(91);
    let round = &fixture.round.clone();
    let alice = participant(&mut fixture, "alice");
    let contribute = |update: &[f32], weight| alice.contribute(round, update, weight, &mut repeated());
    let first = contribute(&update(round, 0.01), 1);
    let mut nearly = update(round, 0.01);
    nearly[0] = nearly[0].next_up();
    for other in
        [contribute(&update(round, 0.02), 1), contribute(&nearly, 1), contribute(&update(round, 0.01), 2)]
    {
        assert_eq!(found(round, (&first.body, &first.quantised), (&other.body, &other.quantised)), 0);
        assert_unrelated(&first, &other);
    }
}

/// Nothing random in one contribution is in the other.
#[track_caller]
fn assert_unrelated(one: &Message, other: &Message) {
    let (header, other_header) = (one.header(), other.header());
    assert_ne!(header.contribution_id, other_header.contribution_id);
    assert_ne!(header.body_digest, other_header.body_digest);
    for commitment in &header.commitments {
        assert!(!other_header.commitments.contains(commitment));
    }
    // The ML-KEM and X25519 parts of the seals, and what is encrypted.
    for (seal, other_seal) in one.prefix.sealed.0.iter().zip(&other.prefix.sealed.0) {
        for part in [0..1088, 1088..1120, 1120..1168] {
            assert_ne!(seal.0[part.clone()], other_seal.0[part]);
        }
    }
}

#[test]
fn a_repeated_generator_gives_the_same_update_the_same_contribution() {
    let mut fixture = Fixture::new(92);
    let alice = participant(&mut fixture, "alice");
    for proof in [Proof::None, Proof::NormV2] {
        let mut document = document(&fixture.parties, &mut fixture.rng);
        document.proof = proof;
        let round = &fixture.parties.sign(document).0;
        let contribute = || alice.contribute(round, &update(round, 0.01), 1, &mut repeated());
        let (first, second) = (contribute(), contribute());
        assert_eq!(first.header().hash(), second.header().hash());
        assert_eq!(first.to_bytes(), second.to_bytes(), "the proof and every other byte");
    }
}

/// Attempt `number` at a contribution from a repeated generator.
fn attempt(round: &VerifiedRound, participant: &Participant, number: u32) -> Message {
    let update = update(round, 0.01);
    let Participant { identity, credential } = participant;
    let offer = Offer { round, identity, credential, update: &update, weight: 1 };
    let attempt = Attempt::new(offer, number, &mut repeated());
    let (backend, quantised) = (CpuBackend::new(), attempt.quantise().unwrap());
    let mut masking = attempt.mask(&backend, &quantised);
    let mut body = Vec::new();
    assert!(masking.next_chunk(&mut body).unwrap());
    let prefix = masking.finish().unwrap().sign(|_, _| ()).unwrap();
    Message { prefix, body, quantised: quantised.into() }
}

#[test]
fn another_attempt_remakes_everything() {
    let mut fixture = Fixture::new(93);
    let alice = participant(&mut fixture, "alice");
    let (first, second) = (attempt(&fixture.round, &alice, 0), attempt(&fixture.round, &alice, 1));
    assert_unrelated(&first, &second);
    assert!(differing(&first.quantised, &second.quantised) > 0, "the rounding is another one");
}

#[test]
fn another_round_participant_or_state_gives_an_unrelated_contribution() {
    let mut fixture = Fixture::new(94);
    let other_round = fixture.parties.sign(document(&fixture.parties, &mut fixture.rng)).0;
    let (alice, bob) = (participant(&mut fixture, "alice"), participant(&mut fixture, "bob"));
    let first = attempt(&fixture.round, &alice, 0);
    assert_ne!(other_round.hash(), &RoundHash::from_bytes([0; 32]));
    assert_unrelated(&first, &attempt(&other_round, &alice, 0));
    assert_unrelated(&first, &attempt(&fixture.round, &bob, 0));
    let fresh = alice.contribute(&fixture.round, &update(&fixture.round, 0.01), 1, &mut fixture.rng);
    assert_unrelated(&first, &fresh);
}

/// The secret of an attempt is bound to the integers before it gives a key.
#[test]
fn other_integers_under_one_attempt_get_another_key() {
    let mut fixture = Fixture::new(95);
    let (round, alice) = (&fixture.round.clone(), participant(&mut fixture, "alice"));
    let own = attempt(round, &alice, 0);
    let foreign = quantise(&update(round, 0.02), 1, round.constants(), [1; 32].into()).unwrap();
    let update = update(round, 0.01);
    let offer =
        Offer { round, identity: &alice.identity, credential: &alice.credential, update: &update, weight: 1 };
    let backend = CpuBackend::new();
    let mut masking = Attempt::new(offer, 0, &mut repeated()).mask(&backend, &foreign);
    let mut body = Vec::new();
    assert!(masking.next_chunk(&mut body).unwrap());
    let prefix = masking.finish().unwrap().sign(|_, _| ()).unwrap();
    let other = Message { prefix, body, quantised: foreign.into() };
    assert_unrelated(&own, &other);
    assert_eq!(found(round, (&own.body, &own.quantised), (&other.body, &other.quantised)), 0);
}

/// A generator that gives nothing but zeros is as good as one that repeats itself, and another
/// identity still hides behind its secret.
#[test]
fn a_dead_generator_leaves_the_identity_secret() {
    struct Dead;
    impl rand::RngCore for Dead {
        fn next_u32(&mut self) -> u32 {
            0
        }

        fn next_u64(&mut self) -> u64 {
            0
        }

        fn fill_bytes(&mut self, bytes: &mut [u8]) {
            bytes.fill(0);
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
            bytes.fill(0);
            Ok(())
        }
    }
    impl rand::CryptoRng for Dead {}

    let mut fixture = Fixture::new(96);
    let round = &fixture.round.clone();
    let alice = participant(&mut fixture, "alice");
    let contribute = |stretch| alice.contribute(round, &update(round, stretch), 1, &mut Dead);
    let stranger = Participant {
        identity: IdentityKey::generate(&mut fixture.rng),
        credential: alice.credential.clone(),
    };
    assert_unrelated(&contribute(0.01), &contribute(0.02));
    assert_unrelated(&contribute(0.01), &stranger.contribute(round, &update(round, 0.01), 1, &mut Dead));
}
