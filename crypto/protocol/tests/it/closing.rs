//! Releases the sums of shares, checks the answers and unmasks the sum.

use std::collections::HashMap;

use lattice::CpuBackend;
use masking::{ChunkSum, unmask_chunk};
use names::{HeaderHash, SetRoot};
use protocol::{
    ContributionHeader, IdentityKey, Refusal, ReleaseAnswer, ReleaseRequest, Signed, VerifiedRound,
    roles::{
        aggregator::{check_answer, publish, sum_key},
        combiner::{AttestedMember, answer, check_release},
    },
};
use testkit::flip;

use crate::fixture::{Contribution, Fixture, document};

fn attested(contributions: &[Contribution]) -> HashMap<HeaderHash, AttestedMember> {
    contributions.iter().map(|c| (c.header().hash(), c.member())).collect()
}

fn request(fixture: &Fixture, contributions: &[Contribution]) -> ReleaseRequest {
    let members = contributions.iter().map(|c| c.header().hash()).collect();
    ReleaseRequest::over(*fixture.round.hash(), members).sign(&fixture.parties.holders[0].0)
}

fn check(fixture: &Fixture, request: &ReleaseRequest, record: &[Contribution]) -> Result<usize, Refusal> {
    let record = attested(record);
    check_release(&fixture.round, request, |hash| record.get(hash)).map(|members| members.len())
}

fn cohort(fixture: &mut Fixture, size: usize) -> Vec<Contribution> {
    (0..size).map(|i| fixture.contribution(&format!("client-{i}"))).collect()
}

fn answers(fixture: &Fixture, set: &[Contribution], root: &SetRoot) -> Vec<ReleaseAnswer> {
    let members: Vec<_> = set.iter().map(Contribution::member).collect();
    let members: Vec<_> = members.iter().collect();
    (0..3u8)
        .map(|holder| {
            let (identity, key) = &fixture.parties.holders[usize::from(holder)];
            answer(&fixture.round, root, holder, key, &members, identity).unwrap()
        })
        .collect()
}

fn headers(set: &[Contribution]) -> Vec<ContributionHeader> {
    set.iter().map(|c| c.header().clone()).collect()
}

pub(crate) fn unmask(round: &VerifiedRound, set: &[Contribution], key: &[i64]) -> Vec<i64> {
    let backend = CpuBackend::default();
    let sum = ChunkSum::new(round.constants(), 0).unwrap();
    let bodies: Vec<&[u8]> = set.iter().map(|c| &c.body[..]).collect();
    let sum = sum.add(&backend, round.constants(), &bodies).unwrap();
    unmask_chunk(&backend, round.constants(), &round.document().mask_seed, key, &sum).unwrap().sums
}

#[test]
fn p3_the_answers_open_exactly_the_sum_of_the_set() {
    let mut fixture = Fixture::new(60);
    let set = cohort(&mut fixture, 4);
    let request = request(&fixture, &set);
    assert_eq!(check(&fixture, &request, &set), Ok(4));
    let answers = answers(&fixture, &set, &request.root);
    for answer in &answers {
        assert_eq!(check_answer(&fixture.round, &headers(&set), answer), Ok(()));
    }
    let mut expected = vec![0i64; fixture.round.constants().padded_dimension as usize];
    for contribution in &set {
        expected.iter_mut().zip(contribution.update.values()).for_each(|(sum, &x)| *sum += i64::from(x));
    }
    let key = sum_key(&fixture.round, &answers).unwrap();
    assert_eq!(unmask(&fixture.round, &set, &key), expected);
    let result = publish(
        &fixture.round,
        &request.root,
        &headers(&set),
        [1; 32].into(),
        5,
        &fixture.parties.holders[0].0,
    );
    assert_eq!(result.verify(&fixture.pins.aggregator), Ok(()));
    assert_eq!((result.count, result.total_weight), (4, 4));
}

#[test]
fn p1_a_ciphertext_stays_hidden_unless_every_holder_s_share_is_known() {
    let mut fixture = Fixture::new(61);
    let set = cohort(&mut fixture, 1);
    let answers = answers(&fixture, &set, &[0; 32].into());
    let honest: Vec<i64> = set[0].update.values().iter().map(|&x| x.into()).collect();
    let key = sum_key(&fixture.round, &answers).unwrap();
    assert_eq!(unmask(&fixture.round, &set, &key), honest, "all shares together open it");
    for missing in &answers {
        let known: Vec<i64> = key.iter().zip(&missing.key_sum).map(|(sum, &s)| sum - i64::from(s)).collect();
        let opened = unmask(&fixture.round, &set, &known);
        // the result is uniform over the ring's range, far beyond any update
        let range = 1i64 << (62 - fixture.round.constants().scale_log2);
        let large = opened.iter().filter(|x| x.unsigned_abs() > range as u64 / 4).count();
        assert!(
            large > opened.len() / 2,
            "without share {} only {large} of {} are large",
            missing.holder,
            opened.len()
        );
        assert!(opened.iter().zip(&honest).filter(|(a, b)| a == b).count() < 8);
    }
}

#[test]
fn p1_release_is_refused_below_min_cohort_and_above_max_contributions() {
    let mut fixture = Fixture::new(62);
    let all = cohort(&mut fixture, 7);
    let few = request(&fixture, &all[..2]);
    assert_eq!(check(&fixture, &few, &all), Err(Refusal::Cohort { count: 2, min: 3, max: 6 }));
    let many = request(&fixture, &all);
    assert_eq!(check(&fixture, &many, &all), Err(Refusal::Cohort { count: 7, min: 3, max: 6 }));
    let none = request(&fixture, &[]);
    assert_eq!(check(&fixture, &none, &all), Err(Refusal::Cohort { count: 0, min: 3, max: 6 }));
}

/// The four members have the weights 1, 1, 1 and 10: 13²/103 = 1.6.
#[test]
fn p1_release_is_refused_if_the_weights_outweigh_one_another_or_add_up_to_too_much() {
    let change = |min_effective, max_total_weight| {
        let mut fixture = Fixture::changed(67, |document| {
            (document.min_effective, document.max_total_weight) = (min_effective, max_total_weight);
        });
        let set: Vec<Contribution> = [("a", 1), ("b", 1), ("c", 1), ("d", 10)]
            .map(|(subject, weight)| fixture.weighted(subject, weight))
            .into();
        let request = request(&fixture, &set);
        check(&fixture, &request, &set).map(drop)
    };
    assert_eq!(change(1, 13), Ok(()));
    assert_eq!(change(2, 13), Err(Refusal::EffectiveSize { total: 13, squares: 103, min: 2 }));
    assert_eq!(change(1, 12), Err(Refusal::TotalWeight { total: 13, max: 12 }));
}

#[test]
fn p5_release_is_refused_for_a_member_that_was_not_attested() {
    let mut fixture = Fixture::new(63);
    let set = cohort(&mut fixture, 4);
    let request = request(&fixture, &set);
    let refusal = check(&fixture, &request, &set[1..]).unwrap_err();
    assert!(matches!(refusal, Refusal::NotAttested { .. }));
}

#[test]
fn p5_release_is_refused_for_a_member_of_another_round() {
    let mut fixture = Fixture::new(64);
    let mut set = cohort(&mut fixture, 3);
    let other = document(&fixture.parties, &mut fixture.rng);
    let (other, _) = fixture.parties.sign(other);
    set.push(fixture.contribution_to(&other, "dave", 1));
    let request = request(&fixture, &set);
    // even a record that wrongly holds it cannot be summed, because its share opens only in its own
    // round
    let members: Vec<_> = set.iter().map(Contribution::member).collect();
    let (identity, key) = &fixture.parties.holders[1];
    let refusal =
        answer(&fixture.round, &request.root, 1, key, &members.iter().collect::<Vec<_>>(), identity);
    assert_eq!(refusal, Err(Refusal::WrongRound));
    let refusal = check(&fixture, &request, &set[..3]).unwrap_err();
    assert!(matches!(refusal, Refusal::NotAttested { .. }));
}

#[test]
fn p1_release_is_refused_for_a_participant_twice_under_two_keys() {
    let mut fixture = Fixture::new(65);
    let mut set = cohort(&mut fixture, 3);
    set.push(fixture.contribution("client-0"));
    let refusal = check(&fixture, &request(&fixture, &set), &set).unwrap_err();
    assert!(matches!(refusal, Refusal::DuplicateSubject { .. }));
}

#[test]
fn a_release_request_must_be_the_aggregator_s_own_for_this_round_with_its_own_root() {
    let mut fixture = Fixture::new(66);
    let set = cohort(&mut fixture, 3);
    let good = request(&fixture, &set);
    let stranger = IdentityKey::generate(&mut fixture.rng);
    let signature = Err(Refusal::Signature { of: "release request" });
    assert_eq!(check(&fixture, &good.clone().sign(&stranger), &set), signature);

    let mut unsigned = good.clone();
    unsigned.signature = protocol::Signature::BLANK;
    assert_eq!(check(&fixture, &unsigned, &set), signature);

    let aggregator = &fixture.parties.holders[0].0;
    let mut other = good.clone();
    flip(&mut other.round_hash, 0);
    assert_eq!(check(&fixture, &other.sign(aggregator), &set), Err(Refusal::WrongRound));
    let mut other = good.clone();
    flip(&mut other.root, 0);
    assert_eq!(check(&fixture, &other.sign(aggregator), &set), Err(Refusal::Root));
    let mut other = good.clone();
    other.members.swap(0, 1);
    assert_eq!(check(&fixture, &other.sign(aggregator), &set), Err(Refusal::Order { index: 1 }));
    let mut other = good;
    other.members[1] = other.members[0];
    assert_eq!(check(&fixture, &other.sign(aggregator), &set), Err(Refusal::Order { index: 1 }));
}

#[test]
fn p3_an_answer_that_does_not_open_the_commitments_is_refused() {
    let mut fixture = Fixture::new(67);
    let set = cohort(&mut fixture, 3);
    let root = request(&fixture, &set).root;
    let good = answers(&fixture, &set, &root).remove(1);
    let identity = &fixture.parties.holders[1].0;
    let check = |answer: ReleaseAnswer| check_answer(&fixture.round, &headers(&set), &answer.sign(identity));
    let opening = Err(Refusal::Opening { holder: 1 });
    assert_eq!(check(good.clone()), Ok(()));

    let mut wrong = good.clone();
    wrong.key_sum[17] += 1;
    assert_eq!(check(wrong), opening);
    let mut wrong = good.clone();
    wrong.key_sum[0] = 32 * 3 + 1;
    assert_eq!(check(wrong), opening, "beyond the range of a sum of three");
    let mut wrong = good.clone();
    wrong.blinding_sum[0] ^= 1;
    assert_eq!(check(wrong), opening);
    let mut wrong = good.clone();
    wrong.blinding_sum = [0xff; 32];
    assert_eq!(check(wrong), opening, "not a canonical scalar");
    let mut wrong = good.clone();
    wrong.count = 4;
    assert_eq!(check(wrong), Err(Refusal::Root));
    let mut wrong = good.clone();
    wrong.holder = 2;
    assert_eq!(check(wrong), Err(Refusal::Signature { of: "release answer" }), "another holder's index");

    // an answer over another set opens nothing
    let smaller = answers(&fixture, &set[..2], &root).remove(1);
    let mut wrong = good;
    wrong.key_sum = smaller.key_sum;
    wrong.blinding_sum = smaller.blinding_sum;
    assert_eq!(check(wrong), opening);
}

#[test]
fn p1_a_sum_over_too_few_is_not_accepted_even_if_the_combiner_signs_it() {
    let mut fixture = Fixture::new(68);
    let set = cohort(&mut fixture, 2);
    let root = request(&fixture, &set).root;
    let answer = answers(&fixture, &set, &root).remove(1);
    let refusal = check_answer(&fixture.round, &headers(&set), &answer);
    assert_eq!(refusal, Err(Refusal::Cohort { count: 2, min: 3, max: 6 }));
}

#[test]
fn p5_an_answer_is_checked_against_the_root_of_the_members_and_no_other() {
    let mut fixture = Fixture::new(69);
    let set = cohort(&mut fixture, 4);
    let root = request(&fixture, &set).root;
    let good = answers(&fixture, &set, &root).remove(1);
    assert_eq!(check_answer(&fixture.round, &headers(&set), &good), Ok(()));
    let mut shuffled = headers(&set);
    shuffled.reverse();
    assert_eq!(check_answer(&fixture.round, &shuffled, &good), Ok(()));

    // The holder signs a sum that opens, for a root that is not the members' own.
    for wrong in [[0; 32].into(), request(&fixture, &set[..3]).root] {
        let answer = answers(&fixture, &set, &wrong).remove(1);
        assert_eq!(check_answer(&fixture.round, &headers(&set), &answer), Err(Refusal::Root));
    }
    let mut twice = headers(&set[..3]);
    twice.push(twice[0].clone());
    let refused = check_answer(&fixture.round, &twice, &good).unwrap_err();
    assert!(matches!(refused, Refusal::Order { .. }), "{refused}");
}

#[test]
fn p3_the_key_of_the_sum_takes_one_answer_of_every_holder_for_one_set() {
    let mut fixture = Fixture::new(70);
    let set = cohort(&mut fixture, 3);
    let good = answers(&fixture, &set, &request(&fixture, &set).root);
    let sum = |change: &dyn Fn(&mut Vec<ReleaseAnswer>)| {
        let mut answers = good.clone();
        change(&mut answers);
        sum_key(&fixture.round, &answers)
    };
    let key = sum(&|_| ()).unwrap();
    assert_eq!(sum(&|answers| answers.reverse()), Ok(key));
    let holders = |found| Err(Refusal::Holders { expected: 3, found });
    assert_eq!(sum(&|answers| answers.clear()), holders(0));
    assert_eq!(sum(&|answers| drop(answers.pop())), holders(2));
    assert_eq!(sum(&|answers| answers.push(answers[1].clone())), holders(4));
    assert_eq!(sum(&|answers| answers[2] = answers[1].clone()), holders(3), "one holder twice");
    assert_eq!(sum(&|answers| answers[2].holder = 3), holders(3), "a holder that the round does not have");
    assert_eq!(sum(&|answers| flip(&mut answers[1].root, 0)), Err(Refusal::Root));
    assert_eq!(sum(&|answers| flip(&mut answers[1].round_hash, 0)), Err(Refusal::WrongRound));
}
