//! Which party accepts which round document.

use ledger::{payout::Policy, payout_tree::Address};
use protocol::{
    Canonical, DecodeError, PayoutTerms, Refusal, RoundDocument, Section, Token, VerifiedRound,
    roles::{combiner::CombinerPolicy, round::sign_document},
};
use testbed::EPOCH;
use testkit::flip;

use crate::fixture::Fixture;

#[test]
fn a_client_accepts_what_every_pinned_party_signed() {
    let fixture = Fixture::new(1);
    assert_eq!(fixture.signed.verify(&fixture.pins).as_ref(), Ok(&fixture.round));
    assert_eq!(RoundDocument::from_bytes(&fixture.signed.document).unwrap().hash(), *fixture.round.hash());
}

#[test]
fn a_client_refuses_a_document_with_any_byte_changed() {
    let fixture = Fixture::new(2);
    for position in 0..fixture.signed.document.len() {
        let mut signed = fixture.signed.clone();
        signed.document[position] ^= 1 << (position % 8);
        let refusal = signed.verify(&fixture.pins).unwrap_err();
        assert!(
            matches!(
                refusal,
                Refusal::Malformed { .. } | Refusal::Document { .. } | Refusal::Signature { .. }
            ),
            "byte {position}: {refusal}"
        );
    }
}

#[test]
fn a_client_refuses_parties_that_it_has_not_pinned() {
    let fixture = Fixture::new(3);
    let other = Fixture::new(4).pins;
    let mut pins = fixture.pins.clone();
    pins.registrar = other.registrar;
    let rule = "the registrar is the pinned one";
    assert_eq!(fixture.signed.verify(&pins), Err(Refusal::Document { rule }));
    let mut pins = fixture.pins.clone();
    pins.aggregator = other.aggregator;
    let rule = "the aggregator is the pinned one";
    assert_eq!(fixture.signed.verify(&pins), Err(Refusal::Document { rule }));
    let mut pins = fixture.pins.clone();
    pins.combiners.swap(0, 1);
    let rule = "the combiners are the pinned ones";
    assert_eq!(fixture.signed.verify(&pins), Err(Refusal::Document { rule }));
    pins.combiners.pop();
    assert_eq!(fixture.signed.verify(&pins), Err(Refusal::Document { rule }));
}

#[test]
fn a_client_refuses_a_round_that_a_combiner_has_not_countersigned() {
    let fixture = Fixture::new(5);
    let mut signed = fixture.signed.clone();
    signed.countersignatures.pop();
    let rule = "every combiner has countersigned";
    assert_eq!(signed.verify(&fixture.pins), Err(Refusal::Document { rule }));
    // one combiner's countersignature does not stand for another's
    let mut signed = fixture.signed.clone();
    signed.countersignatures.swap(0, 1);
    assert_eq!(signed.verify(&fixture.pins), Err(Refusal::Signature { of: "countersignature" }));
}

/// Fills bytes of a holder's HPKE key.
fn spoil_key(document: &mut RoundDocument, holder: usize, bytes: std::ops::Range<usize>, value: u8) {
    let mut key = document.holders[holder].hpke_public_key.to_bytes();
    key[bytes].fill(value);
    document.holders[holder].hpke_public_key = key.into();
}

#[test]
fn nobody_accepts_constants_that_the_parameters_do_not_give() {
    let fixture = Fixture::new(6);
    let constants =
        "scale_log2, transport_bits, noisy_norm_bound and scale are those that the parameters give";
    let tensors = "the tensors follow one another without gaps and make up dimension";
    let times = "opens_at ≤ earliest_close ≤ closes_at ≤ attest_by ≤ release_by";
    let total = "weight_max ≤ max_total_weight ≤ max_contributions · weight_max";
    let needed = "all combiners are needed: none may be away, and all but one may collude";
    let hpke = "the holders' HPKE keys pass the modulus check and are not of small order";
    let payout = "a payout has a pool below 2^96, and a token a chain and a contract";
    fn token(document: &mut RoundDocument) -> &mut Token {
        document.payout.as_mut().unwrap().token.as_mut().unwrap()
    }
    type Change = Box<dyn Fn(&mut RoundDocument)>;
    let cases: Vec<(&str, Change)> = vec![
        (constants, Box::new(|d| d.scale_log2 -= 1)),
        (constants, Box::new(|d| d.transport_bits -= 1)),
        (constants, Box::new(|d| d.noisy_norm_bound += 1)),
        (constants, Box::new(|d| d.scale = f64::from_bits(d.scale.to_bits() + 1))),
        (constants, Box::new(|d| d.max_contributions = 600)),
        ("the parameters allow no constants", Box::new(|d| d.clip = f64::NAN)),
        ("the parameters allow no constants", Box::new(|d| d.dimension = 0)),
        ("the parameters allow no constants", Box::new(|d| d.norm_bound = 10_239)),
        (total, Box::new(|d| d.max_contributions = 0)),
        (tensors, Box::new(|d| d.tensors[1].offset += 1)),
        (tensors, Box::new(|d| drop(d.tensors.pop()))),
        (tensors, Box::new(|d| d.tensors[0].shape = vec![u32::MAX; 8])),
        ("2 ≤ min_cohort ≤ max_contributions", Box::new(|d| d.min_cohort = 1)),
        ("2 ≤ min_cohort ≤ max_contributions", Box::new(|d| d.min_cohort = 7)),
        ("1 ≤ weight_min ≤ weight_max ≤ 2^20", Box::new(|d| d.weight_min = 0)),
        ("1 ≤ weight_min ≤ weight_max ≤ 2^20", Box::new(|d| d.weight_min = 11)),
        (times, Box::new(|d| d.earliest_close_ms = 3_001)),
        (times, Box::new(|d| d.attest_by_ms = 2_999)),
        (times, Box::new(|d| d.release_by_ms = 3_999)),
        ("1 ≤ min_effective ≤ min_cohort", Box::new(|d| d.min_effective = 0)),
        ("1 ≤ min_effective ≤ min_cohort", Box::new(|d| d.min_effective = 4)),
        (total, Box::new(|d| d.max_total_weight = 9)),
        (total, Box::new(|d| d.max_total_weight = 61)),
        (needed, Box::new(|d| d.tolerance.colluding = 0)),
        (needed, Box::new(|d| d.tolerance.absent = 1)),
        ("1 ≤ max_attempts ≤ 8", Box::new(|d| d.max_attempts = 0)),
        (payout, Box::new(|d| d.payout.as_mut().unwrap().pool = 0)),
        (payout, Box::new(|d| d.payout.as_mut().unwrap().pool = PayoutTerms::MAX_POOL + 1)),
        (payout, Box::new(|d| token(d).chain_id = 0)),
        (payout, Box::new(|d| token(d).chain_id = 1 << 63)),
        (payout, Box::new(|d| token(d).contract = Address::ZERO)),
        ("min_reputation is at most a million parts", Box::new(|d| d.min_reputation_ppm = 1_000_001)),
        (hpke, Box::new(|d| spoil_key(d, 0, 1184..1216, 0))),
        (hpke, Box::new(|d| spoil_key(d, 1, 0..3, 0xff))),
        (hpke, Box::new(|d| spoil_key(d, 2, 0..1216, 0))),
        ("the holders' keys are distinct", Box::new(|d| d.holders[2] = d.holders[1].clone())),
    ];
    for (rule, change) in cases {
        let mut document = fixture.round.document().clone();
        change(&mut document);
        assert_eq!(VerifiedRound::trusted(document), Err(Refusal::Document { rule }));
    }
}

#[test]
fn a_combiner_finds_its_place_and_keeps_to_its_own_policy() {
    let fixture = Fixture::new(7);
    let policy = fixture.policy();
    let accept_at = |policy: &CombinerPolicy, holder: usize, key: usize, now_ms: i64, lowest_epoch: u32| {
        let (identity, _) = &fixture.parties.holders[holder];
        let signed = &fixture.signed;
        policy
            .accept(
                &signed.document,
                &signed.aggregator_signature,
                &identity.public(),
                &fixture.parties.holders[key].1,
                now_ms,
                lowest_epoch,
            )
            .map(|(_, holder)| holder)
    };
    let accept =
        |policy: &CombinerPolicy, holder: usize, key: usize| accept_at(policy, holder, key, 0, EPOCH);
    assert_eq!(accept(&policy, 1, 1), Ok(1));
    assert_eq!(accept(&policy, 2, 2), Ok(2));

    let rule = "the combiner is a holder with the key it made for this round";
    assert_eq!(accept(&policy, 1, 2), Err(Refusal::Document { rule }));
    assert_eq!(accept(&policy, 0, 0), Err(Refusal::Document { rule }), "the aggregator is no combiner");

    let mut strict = policy.clone();
    strict.min_cohort_floor = 4;
    let rule = "min_cohort reaches the combiner's floor";
    assert_eq!(accept(&strict, 1, 1), Err(Refusal::Document { rule }));
    let mut strict = policy.clone();
    strict.max_contributions_cap = 5;
    let rule = "max_contributions keeps to the combiner's cap";
    assert_eq!(accept(&strict, 1, 1), Err(Refusal::Document { rule }));
    let refused = |policy: &CombinerPolicy, now_ms, lowest_epoch, rule| {
        assert_eq!(accept_at(policy, 1, 1, now_ms, lowest_epoch), Err(Refusal::Document { rule }));
    };
    assert_eq!(accept_at(&policy, 1, 1, 2_999, EPOCH), Ok(1));
    refused(&policy, 3_000, EPOCH, "closes_at is in the future by the combiner's clock");
    refused(&policy, -1, EPOCH, "uploads end within the time that the combiner allows");
    let newer = "credential_epoch is not older than what the registrar has signed since";
    refused(&policy, 0, EPOCH + 1, newer);
    let mut strict = policy.clone();
    strict.max_release_ms = 1_999;
    refused(&strict, 0, EPOCH, "release_by keeps to the time after closes_at that the combiner allows");
    let mut strict = policy;
    strict.registrar = fixture.pins.aggregator;
    let rule = "the registrar is the combiner's own";
    assert_eq!(accept(&strict, 1, 1), Err(Refusal::Document { rule }));
}

#[test]
fn a_combiner_does_not_countersign_what_the_aggregator_has_not_signed() {
    let fixture = Fixture::new(8);
    let by_a_combiner = sign_document(fixture.round.document(), &fixture.parties.holders[1].0);
    let document = &fixture.signed.document;
    let refusal = VerifiedRound::proposed(document, &by_a_combiner, &fixture.pins.aggregator);
    assert_eq!(refusal, Err(Refusal::Signature { of: "round document" }));
}

#[test]
fn the_hash_binds_every_field() {
    let fixture = Fixture::new(9);
    let mut document = fixture.round.document().clone();
    flip(&mut document.mask_seed, 0);
    let (other, _) = fixture.parties.sign(document);
    assert_ne!(other.hash(), fixture.round.hash());
}

#[test]
fn every_kind_of_payout_has_one_encoding() {
    let fixture = Fixture::new(10);
    let token = Token { chain_id: (1 << 63) - 1, contract: Address::from_bytes([1; 20]) };
    let kinds = Policy::ALL.iter().flat_map(|&policy| {
        [None, Some(token)].map(|token| Some(PayoutTerms { policy, pool: PayoutTerms::MAX_POOL, token }))
    });
    let mut encodings = Vec::new();
    for payout in kinds.chain([None]) {
        let document = RoundDocument { payout, ..fixture.round.document().clone() };
        let bytes = document.to_bytes();
        assert_eq!(RoundDocument::from_bytes(&bytes).as_ref(), Ok(&document));
        assert!(VerifiedRound::trusted(document).is_ok());
        encodings.push(bytes);
    }
    encodings.sort();
    encodings.dedup();
    assert_eq!(encodings.len(), 7);
}

/// Sets a field that has no meaning yet.
type Fill = fn(&mut RoundDocument);

/// The fields that this version encodes and refuses, with the rule that names each.
fn fields_of_later_versions() -> [(&'static str, Fill); 5] {
    fn section() -> Option<Section> {
        Section::new(255, vec![7; Section::MAX_BYTES])
    }
    [
        ("a tensor has no scale", |d| d.tensors[1].scale = Some(0.25)),
        ("updates are not normalised", |d| d.normalise_floor = Some(1e-3)),
        ("contributions are not scored", |d| d.scoring = section()),
        ("no noise is added", |d| d.noise = section()),
        ("the sum is not evaluated", |d| d.evaluations = section()),
    ]
}

#[test]
fn fields_of_later_versions_have_one_encoding_and_are_refused() {
    let fixture = Fixture::new(11);
    for (rule, fill) in fields_of_later_versions() {
        let mut document = fixture.round.document().clone();
        fill(&mut document);
        let bytes = document.to_bytes();
        assert_ne!(bytes, fixture.signed.document);
        assert_eq!(RoundDocument::from_bytes(&bytes).as_ref(), Ok(&document), "{rule}");
        let signature = sign_document(&document, &fixture.parties.holders[0].0);
        let refused = VerifiedRound::proposed(&bytes, &signature, &fixture.pins.aggregator);
        assert_eq!(refused, Err(Refusal::Document { rule }));
    }
}

#[test]
fn the_layout_s_digest_binds_names_shapes_and_scales_only() {
    let fixture = Fixture::new(12);
    let document = fixture.round.document();
    let digest = document.layout_digest();
    let same = RoundDocument { clip: 2.0, model_bytes: 1, ..document.clone() };
    assert_eq!(same.layout_digest(), digest);
    let changes: [Fill; 4] = [
        |d| d.tensors[0].name.push('x'),
        |d| d.tensors[0].shape.push(1),
        |d| d.tensors[0].scale = Some(1.0),
        |d| drop(d.tensors.pop()),
    ];
    for change in changes {
        let mut other = document.clone();
        change(&mut other);
        assert_ne!(other.layout_digest(), digest);
    }
}

#[test]
fn a_section_is_bounded_and_has_a_version() {
    assert_eq!(Section::new(0, Vec::new()), None);
    assert_eq!(Section::new(1, vec![0; Section::MAX_BYTES + 1]), None);
    let section = Section::new(3, vec![1, 2]).unwrap();
    assert_eq!((section.version(), section.bytes()), (3, &[1, 2][..]));
}

#[test]
fn a_document_of_version_1_is_refused_by_its_version() {
    let fixture = Fixture::new(13);
    let mut bytes = fixture.signed.document.clone();
    bytes[4] = 1;
    let error = RoundDocument::from_bytes(&bytes).unwrap_err();
    assert_eq!(error, DecodeError::Version { version: 1 });
    assert_eq!(error.to_string(), "version 1 is not known; this program reads version 2");
}

#[test]
fn bytes_outside_their_range_are_refused_by_name() {
    let fixture = Fixture::new(14);
    let document = RoundDocument { payout: None, ..fixture.round.document().clone() };
    let bytes = document.to_bytes();
    // scoring, payout, min_reputation, noise and evaluations end the document
    let end = bytes.len();
    let with = |position: usize, value: u8| {
        let mut changed = bytes.clone();
        changed[position] = value;
        RoundDocument::from_bytes(&changed)
    };
    assert_eq!(with(end - 7, 4), Err(DecodeError::Range { field: "payout" }));
    assert_eq!(with(end - 1, 1), Err(DecodeError::Truncated { field: "evaluations" }));
    let long = [&bytes[..end - 1], &[1], &(1_u32 << 17).to_le_bytes()[..]].concat();
    assert_eq!(RoundDocument::from_bytes(&long), Err(DecodeError::Range { field: "evaluations" }));
    let mut paid = document.clone();
    paid.payout = Some(PayoutTerms { policy: Policy::Equal, pool: 1, token: None });
    let mut changed = paid.to_bytes();
    changed[end - 7 + 1 + 16] = 2;
    assert_eq!(RoundDocument::from_bytes(&changed), Err(DecodeError::Range { field: "token" }));
}
