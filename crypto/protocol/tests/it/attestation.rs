//! At intake each holder opens, checks and attests its own shares.

use lattice::RING_DEGREE;
use protocol::{
    Canonical, ContributionHeader, IdentityKey, MessagePrefix, Refusal, RefusedFor, SealedSeeds, Signed,
    SignedRefusal,
    roles::{
        aggregator::{check_attestation, check_refusal},
        combiner::{attest, check_shares, open_share, refuse},
    },
};
use sharing::{KeyShare, SealRandomness, ShareSeed, seal};

use crate::{
    closing::unmask,
    fixture::{Contribution, Fixture},
};

fn open(fixture: &Fixture, holder: u8, c: &Contribution) -> Result<KeyShare, Refusal> {
    let key = &fixture.parties.holders[usize::from(holder)].1;
    open_share(&fixture.round, holder, key, &c.prefix.header, &c.prefix.sealed)
}

#[test]
fn every_holder_opens_its_own_share_and_no_other() {
    let mut fixture = Fixture::new(40);
    let contribution = fixture.contribution("alice");
    for holder in 0..3u8 {
        let share = open(&fixture, holder, &contribution).unwrap();
        let good = check_shares(holder, &[(contribution.header(), &share)], &mut fixture.rng);
        assert_eq!(good, [Ok(())]);
        let other = (holder + 1) % 3;
        let key = &fixture.parties.holders[usize::from(other)].1;
        let refusal =
            open_share(&fixture.round, holder, key, contribution.header(), &contribution.prefix.sealed);
        assert_eq!(refusal.unwrap_err(), Refusal::Share { holder });
    }
}

/// A contribution in which the seed for `holder` is sealed well, but is not the committed one.
fn with_wrong_seed(fixture: &mut Fixture, subject: &str, holder: u8) -> Contribution {
    let mut contribution = fixture.contribution(subject);
    let wrong = ShareSeed::generate(&mut fixture.rng);
    let public = *fixture.parties.holders[usize::from(holder)].1.public();
    let context = fixture.round.seal_context(&contribution.prefix.header, holder);
    let randomness = SealRandomness::generate(&mut fixture.rng);
    let sealed = seal(&wrong, &public, &context, &randomness).unwrap();
    contribution.prefix.sealed.0[usize::from(holder)] = sealed;
    contribution.prefix.header.sealed_digest = contribution.prefix.sealed.digest();
    contribution.prefix.header = contribution.prefix.header.clone().sign(&contribution.identity);
    contribution
}

#[test]
fn a_share_that_does_not_open_its_commitment_is_found_and_the_others_in_its_batch_pass() {
    let mut fixture = Fixture::new(41);
    let contributions = [
        fixture.contribution("alice"),
        with_wrong_seed(&mut fixture, "mallory", 1),
        fixture.contribution("bob"),
    ];
    let shares: Vec<_> = contributions.iter().map(|c| open(&fixture, 1, c).unwrap()).collect();
    let pairs: Vec<(&ContributionHeader, _)> =
        contributions.iter().map(Contribution::header).zip(&shares).collect();
    let verdicts = check_shares(1, &pairs, &mut fixture.rng);
    assert_eq!(verdicts, [Ok(()), Err(Refusal::Share { holder: 1 }), Ok(())]);
}

/// Changes the seals of a contribution. Its participant signs the header again.
fn with_seals(contribution: &Contribution, change: impl FnOnce(&mut SealedSeeds)) -> MessagePrefix {
    let mut prefix = contribution.prefix.clone();
    change(&mut prefix.sealed);
    prefix.header.sealed_digest = prefix.sealed.digest();
    prefix.header = prefix.header.sign(&contribution.identity);
    prefix
}

/// ML-KEM rejects implicitly. No rule shows a wrong ciphertext, and only its holder finds it.
#[test]
fn a_wrong_ml_kem_ciphertext_is_a_refused_share_and_nothing_else() {
    let mut fixture = Fixture::new(45);
    let contribution = fixture.contribution("mallory");
    for byte in 0..1088 {
        let prefix = with_seals(&contribution, |sealed| sealed.0[1].0[byte] ^= 1 << (byte % 8));
        assert_eq!(fixture.round.check_header(&prefix.header), Ok(()));
        assert_eq!(fixture.round.check_seals(&prefix.header, &prefix.sealed), Ok(()));
        assert_eq!(MessagePrefix::from_bytes(&prefix.to_bytes()).as_ref(), Ok(&prefix));
        let open = |holder: u8| {
            let key = &fixture.parties.holders[usize::from(holder)].1;
            open_share(&fixture.round, holder, key, &prefix.header, &prefix.sealed)
        };
        assert_eq!(open(1).unwrap_err(), Refusal::Share { holder: 1 }, "byte {byte}");
        if byte % 256 == 0 {
            assert!(open(0).is_ok() && open(2).is_ok(), "the other holders' seals are sound");
        }
    }
}

#[test]
fn seals_of_small_order_are_refused_by_everybody_alike() {
    let mut fixture = Fixture::new(46);
    let contribution = fixture.contribution("mallory");
    let prefix = with_seals(&contribution, |sealed| sealed.0[1].0[1088..1120].fill(0));
    let refusal = Refusal::SealSmallOrder { holder: 1 };
    assert_eq!(fixture.round.check_header(&prefix.header), Ok(()));
    assert_eq!(fixture.round.check_seals(&prefix.header, &prefix.sealed), Err(refusal.clone()));
    for holder in 0..3u8 {
        let key = &fixture.parties.holders[usize::from(holder)].1;
        let refused = open_share(&fixture.round, holder, key, &prefix.header, &prefix.sealed);
        assert_eq!(refused.unwrap_err(), refusal, "holder {holder}");
    }
}

#[test]
fn seals_of_another_number_or_digest_are_refused() {
    let mut fixture = Fixture::new(47);
    let contribution = fixture.contribution("mallory");
    let check = |prefix: &MessagePrefix| fixture.round.check_seals(&prefix.header, &prefix.sealed);
    let short = with_seals(&contribution, |sealed| sealed.0.truncate(2));
    assert_eq!(check(&short), Err(Refusal::Holders { expected: 3, found: 2 }));
    let mut swapped = contribution.prefix.clone();
    swapped.sealed.0.swap(0, 1);
    assert_eq!(check(&swapped), Err(Refusal::Digest { of: "sealed seeds" }));
}

#[test]
fn sealed_seeds_cannot_be_moved_to_another_contribution() {
    let mut fixture = Fixture::new(42);
    let victim = fixture.contribution("alice");
    let mut thief = fixture.contribution("mallory");
    thief.prefix.sealed = victim.prefix.sealed.clone();
    thief.prefix.header.commitments = victim.prefix.header.commitments.clone();
    thief.prefix.header.body_digest = victim.prefix.header.body_digest;
    thief.prefix.header.sealed_digest = thief.prefix.sealed.digest();
    thief.prefix.header = thief.prefix.header.clone().sign(&thief.identity);
    assert_eq!(fixture.round.check_header(thief.header()), Ok(()));
    assert_eq!(open(&fixture, 1, &thief).unwrap_err(), Refusal::Share { holder: 1 });
}

#[test]
fn an_attestation_speaks_of_one_contribution_one_round_and_one_holder() {
    let mut fixture = Fixture::new(43);
    let contribution = fixture.contribution("alice");
    let other = fixture.contribution("bob");
    let round = fixture.round.clone();
    let attestation = attest(&round, 1, contribution.header(), &fixture.parties.holders[1].0).unwrap();
    assert_eq!(check_attestation(&round, 1, contribution.header(), &attestation), Ok(()));

    let share = Err(Refusal::Share { holder: 1 });
    assert_eq!(check_attestation(&round, 1, other.header(), &attestation), share);
    assert_eq!(
        check_attestation(&round, 2, contribution.header(), &attestation),
        Err(Refusal::Share { holder: 2 })
    );
    assert_eq!(check_attestation(&Fixture::new(44).round, 1, contribution.header(), &attestation), share);
    assert_eq!(
        check_attestation(&round, 9, contribution.header(), &attestation),
        Err(Refusal::Share { holder: 9 })
    );

    let forged = attestation.sign(&IdentityKey::generate(&mut fixture.rng));
    assert_eq!(
        check_attestation(&round, 1, contribution.header(), &forged),
        Err(Refusal::Signature { of: "attestation" })
    );
}

#[test]
fn a_header_without_a_commitment_for_the_holder_is_refused_and_the_others_in_its_batch_pass() {
    let mut fixture = Fixture::new(45);
    let (good, mut short) = (fixture.contribution("alice"), fixture.contribution("mallory"));
    let shares = [&good, &short].map(|contribution| open(&fixture, 1, contribution).unwrap());
    short.prefix.header.commitments.truncate(1);
    let share = |holder| Err(Refusal::Share { holder });
    let pairs = [(short.header(), &shares[1]), (good.header(), &shares[0]), (short.header(), &shares[1])];
    assert_eq!(check_shares(1, &pairs, &mut fixture.rng), [share(1), Ok(()), share(1)]);
    assert_eq!(check_shares(9, &pairs[1..2], &mut fixture.rng), [share(9)]);
    let identity = &fixture.parties.holders[1].0;
    for (holder, header) in [(1, short.header()), (9, good.header())] {
        let refused = attest(&fixture.round, holder, header, identity);
        assert_eq!(refused.unwrap_err(), Refusal::Share { holder });
    }
    let key = &fixture.parties.holders[1].1;
    let opened = open_share(&fixture.round, 9, key, good.header(), &good.prefix.sealed);
    assert_eq!(opened.unwrap_err(), Refusal::Share { holder: 9 });
}

fn refused(fixture: &Fixture, holder: u8, header: &ContributionHeader, reason: RefusedFor) -> SignedRefusal {
    let identity = &fixture.parties.holders[usize::from(holder)].0;
    refuse(&fixture.round, holder, &header.hash(), &header.sealed_digest, reason, identity)
}

#[test]
fn every_holder_signs_a_refusal_that_anybody_can_check_and_signs_it_alike_again() {
    let mut fixture = Fixture::new(46);
    let contribution = fixture.contribution("alice");
    for holder in 0..3 {
        for reason in [RefusedFor::Share, RefusedFor::Attempts, RefusedFor::Commitment] {
            let refusal = refused(&fixture, holder, contribution.header(), reason);
            check_refusal(&fixture.round, holder, contribution.header(), &refusal).unwrap();
            assert_eq!(refused(&fixture, holder, contribution.header(), reason), refusal);
        }
    }
}

#[test]
fn a_refusal_of_other_bytes_does_not_concern_the_participant() {
    let mut fixture = Fixture::new(47);
    let other_round = Fixture::new(48).round;
    let (alice, bob) = (fixture.contribution("alice"), fixture.contribution("bob"));
    let refusal = refused(&fixture, 1, alice.header(), RefusedFor::Share);
    let unfounded = |holder| Err(Refusal::Unfounded { holder });
    let check = |holder, header: &ContributionHeader, refusal: &SignedRefusal| {
        check_refusal(&fixture.round, holder, header, refusal)
    };
    assert_eq!(check_refusal(&other_round, 1, alice.header(), &refusal), unfounded(1));
    assert_eq!(check(1, bob.header(), &refusal), unfounded(1));
    assert_eq!(check(2, alice.header(), &refusal), unfounded(2));
    assert_eq!(check(9, alice.header(), &SignedRefusal { holder: 9, ..refusal.clone() }), unfounded(9));
    // The holder signed it, but it received other sealed seeds than the participant sent.
    let (identity, hash) = (&fixture.parties.holders[1].0, alice.header().hash());
    let sealed = SealedSeeds::digest_of(b"");
    let forwarded = refuse(&fixture.round, 1, &hash, &sealed, RefusedFor::Share, identity);
    assert_eq!(check(1, alice.header(), &forwarded), unfounded(1));
}

#[test]
fn a_refusal_that_its_holder_did_not_sign_is_refused_at_every_byte() {
    let mut fixture = Fixture::new(49);
    let contribution = fixture.contribution("alice");
    let refusal = refused(&fixture, 1, contribution.header(), RefusedFor::Share);
    let mut stranger = refusal.clone().sign(&IdentityKey::generate(&mut fixture.rng));
    let check = |refusal: &SignedRefusal| check_refusal(&fixture.round, 1, contribution.header(), refusal);
    assert_eq!(check(&stranger), Err(Refusal::Signature { of: "signed refusal" }));
    stranger.holder = 2;
    let of_another = stranger.sign(&fixture.parties.holders[2].0);
    assert_eq!(check(&of_another), Err(Refusal::Unfounded { holder: 1 }));
    let bytes = refusal.to_bytes();
    for index in 0..bytes.len() {
        let mut tampered = bytes.clone();
        tampered[index] ^= 1;
        if let Ok(tampered) = SignedRefusal::from_bytes(&tampered) {
            assert!(check(&tampered).is_err(), "byte {index}");
        }
    }
}

#[test]
fn a_refusal_by_a_rule_counts_only_if_the_header_breaks_one() {
    let mut fixture = Fixture::new(50);
    let contribution = fixture.contribution("alice");
    let kept = refused(&fixture, 1, contribution.header(), RefusedFor::Rule);
    let check = |header: &ContributionHeader, refusal: &SignedRefusal| {
        check_refusal(&fixture.round, 1, header, refusal)
    };
    assert_eq!(check(contribution.header(), &kept), Err(Refusal::Unfounded { holder: 1 }));
    let mut heavy = contribution.header().clone();
    heavy.weight = u32::MAX;
    let heavy = heavy.sign(&contribution.identity);
    check(&heavy, &refused(&fixture, 1, &heavy, RefusedFor::Rule)).unwrap();
}

/// Holder 1 refuses the share, and the others attest. The messages are tried as whatever they could
/// give away: the seed of any other holder's share, at every place.
#[test]
fn p1_after_a_refusal_no_party_holds_bytes_from_which_the_update_follows() {
    let mut fixture = Fixture::new(49);
    let contribution = fixture.contribution("alice");
    let (round, header) = (&fixture.round, contribution.header());
    let identity = |holder: u8| &fixture.parties.holders[usize::from(holder)].0;
    let refusal = refuse(round, 1, &header.hash(), &header.sealed_digest, RefusedFor::Share, identity(1));
    let attested = [0, 2].map(|holder| attest(round, holder, header, identity(holder)).unwrap());
    let said = [refusal.to_bytes(), attested[0].to_bytes(), attested[1].to_bytes()];
    let share = |seed: &[u8], holder: u8| {
        let seed: [u8; 32] = seed.try_into().unwrap();
        KeyShare::derive(&seed.into(), round.hash(), &header.credential.client_key, holder)
    };
    let gives_away = |bytes: &[u8], holder: u8| {
        let committed = header.commitments[usize::from(holder)].encoded();
        bytes.windows(32).any(|window| share(window, holder).commit().encoded() == committed)
    };
    for holder in 0..3 {
        assert!(said.iter().all(|bytes| !gives_away(bytes, holder)), "the seed of holder {holder}");
    }
    let seeds: Vec<_> = (0..3_u8)
        .map(|holder| {
            let (key, context) =
                (&fixture.parties.holders[usize::from(holder)].1, round.seal_context(header, holder));
            sharing::open(key, &contribution.prefix.sealed.0[usize::from(holder)], &context).unwrap()
        })
        .collect();
    let honest: Vec<i64> = contribution.update.values().iter().map(|&x| x.into()).collect();
    let opened = |known: &[u8]| {
        let mut key = vec![0; RING_DEGREE];
        for &holder in known {
            let share = share(seeds[usize::from(holder)].as_bytes(), holder);
            key.iter_mut()
                .zip(share.coefficients().coefficients())
                .for_each(|(sum, &s)| *sum += i64::from(s));
        }
        let opened = unmask(round, std::slice::from_ref(&contribution), &key);
        opened.iter().zip(&honest).filter(|(a, b)| a == b).count()
    };
    for holder in 0..3 {
        assert!(opened(&[holder]) < 8, "the share of holder {holder} alone");
    }
    // What a proof of innocence by the encapsulation's randomness would give away.
    assert!(gives_away(&[b"noise", &seeds[2].as_bytes()[..]].concat(), 2));
    assert_eq!(opened(&[0, 1, 2]), honest.len());
}
