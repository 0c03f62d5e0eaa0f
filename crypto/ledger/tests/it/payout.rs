//! The properties of a split, over random pools and weights.

use ledger::payout::{Inputs, PPM, PayoutError, Policy, Recipient, split};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

const CASES: usize = 100_000;

fn recipients<'a>(names: &'a [String], weights: &[u64]) -> Vec<Recipient<'a>> {
    names.iter().zip(weights).map(|(name, &weight)| Recipient { participant: name, weight }).collect()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("participant-{i}")).collect()
}

/// A pool and weights, not all 0, of every size that fits: tiny, huge, equal, zero.
fn case(rng: &mut StdRng) -> (u128, Vec<u64>) {
    let bits = rng.gen_range(0..=128);
    let pool = rng.r#gen::<u128>().checked_shr(128 - bits).unwrap_or(0);
    let count = rng.gen_range(1..=12);
    let width = rng.gen_range(0..=60);
    let mut weights: Vec<u64> = (0..count).map(|_| rng.r#gen::<u64>() & ((1 << width) - 1)).collect();
    if rng.gen_bool(0.3) {
        let first = weights[0];
        weights.fill(first);
    }
    if weights.iter().all(|&weight| weight == 0) {
        weights[0] = 1;
    }
    (pool, weights)
}

#[test]
fn shares_add_up_to_the_pool_and_are_within_a_unit_of_the_exact_quotient() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..CASES {
        let (pool, weights) = case(&mut rng);
        let names = names(weights.len());
        let shares = split(pool, &recipients(&names, &weights)).unwrap();
        assert_eq!(shares.iter().sum::<u128>(), pool);
        let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
        for (&share, &weight) in shares.iter().zip(&weights) {
            assert!(weight > 0 || share == 0);
            // ⌊pool·w/W⌋ in another way: as a sum over the pool's bits
            let floor = quotient(pool, weight.into(), total);
            assert!(share == floor || share == floor + 1, "{pool} {weights:?}");
        }
    }
}

/// ⌊a·b/n⌋ for b <= n < 2⁶⁴, bit by bit.
fn quotient(a: u128, b: u128, n: u128) -> u128 {
    let (mut quotient, mut rest) = (0, 0);
    for bit in (0..128).rev() {
        (quotient, rest) = (2 * quotient, 2 * rest);
        if a >> bit & 1 == 1 {
            rest += b;
        }
        quotient += rest / n;
        rest %= n;
    }
    quotient
}

#[test]
fn a_larger_weight_never_gets_less() {
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..CASES {
        let (pool, mut weights) = case(&mut rng);
        let names = names(weights.len());
        let shares = split(pool, &recipients(&names, &weights)).unwrap();
        for (i, one) in weights.iter().enumerate() {
            for (j, other) in weights.iter().enumerate() {
                assert!(one <= other || shares[i] >= shares[j], "{pool} {weights:?}");
                assert!(one != other || shares[i].abs_diff(shares[j]) <= 1);
            }
        }
        let raised = rng.gen_range(0..weights.len());
        weights[raised] += rng.gen_range(1..1 << 20);
        let after = split(pool, &recipients(&names, &weights)).unwrap();
        assert!(after[raised] >= shares[raised], "{pool} {weights:?}");
    }
}

#[test]
fn the_order_of_the_recipients_does_not_matter() {
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..CASES {
        let (pool, weights) = case(&mut rng);
        let names = names(weights.len());
        let recipients = recipients(&names, &weights);
        let shares = split(pool, &recipients).unwrap();
        let mut order: Vec<usize> = (0..recipients.len()).collect();
        order.shuffle(&mut rng);
        let shuffled: Vec<_> = order.iter().map(|&i| recipients[i]).collect();
        let expected: Vec<_> = order.iter().map(|&i| shares[i]).collect();
        assert_eq!(split(pool, &shuffled).unwrap(), expected);
    }
}

#[test]
fn one_unit_goes_to_the_largest_weight_and_then_to_the_first_name() {
    let mut rng = StdRng::seed_from_u64(4);
    for _ in 0..CASES {
        let (_, weights) = case(&mut rng);
        let names = names(weights.len());
        let shares = split(1, &recipients(&names, &weights)).unwrap();
        let largest = *weights.iter().max().unwrap();
        let winner =
            (0..weights.len()).filter(|&i| weights[i] == largest).min_by_key(|&i| &names[i]).unwrap();
        let expected: Vec<u128> = (0..weights.len()).map(|i| u128::from(i == winner)).collect();
        assert_eq!(shares, expected, "{weights:?}");
    }
}

#[test]
fn worked_examples() {
    let split = |pool, weights: &[u64]| split(pool, &recipients(&names(weights.len()), weights));
    assert_eq!(split(100, &[1, 1, 1]), Ok(vec![34, 33, 33]));
    assert_eq!(split(0, &[1, 2]), Ok(vec![0, 0]));
    assert_eq!(split(10, &[6, 6, 2]), Ok(vec![4, 4, 2]), "quotas 4.29, 4.29, 1.43");
    assert_eq!(
        split(11, &[6, 6, 2]),
        Ok(vec![5, 5, 1]),
        "the paradox: one more unit, and the third has one less"
    );
    assert_eq!(split(u128::MAX, &[u64::MAX]), Ok(vec![u128::MAX]));
    assert_eq!(split(u128::MAX, &[u64::MAX - 1, 1]).unwrap().iter().sum::<u128>(), u128::MAX);
}

#[test]
fn splits_without_an_answer_are_refused() {
    assert_eq!(split(5, &[]), Err(PayoutError::NoWeight));
    let two = names(2);
    assert_eq!(split(5, &recipients(&two, &[0, 0])), Err(PayoutError::NoWeight));
    assert_eq!(split(5, &recipients(&two, &[u64::MAX, 1])), Err(PayoutError::TooMuchWeight));
    let twice = ["b".to_owned(), "a".to_owned(), "b".to_owned()];
    assert_eq!(split(5, &recipients(&twice, &[1, 1, 0])), Err(PayoutError::Repeated { index: 2 }));
}

#[test]
fn policies_turn_inputs_into_weights() {
    let inputs = Inputs { weight: 7, score_ppm: 250_000, reputation_ppm: 954_545 };
    let weights = Policy::ALL.map(|policy| policy.weight(&inputs));
    assert_eq!(weights, [1, 7, 238_636_250_000]);
    let most = Inputs { weight: u32::MAX, score_ppm: PPM, reputation_ppm: PPM };
    assert!(
        Policy::ALL.iter().all(|policy| policy.weight(&most) <= u64::MAX >> 20),
        "2^20 of them have a sum"
    );
    for policy in Policy::ALL {
        assert_eq!(policy.as_str().parse(), Ok(policy));
        assert_eq!(Policy::from_number(policy as u8), Some(policy));
    }
    assert_eq!("Equal".parse::<Policy>(), Err(PayoutError::Policy));
    assert_eq!([0, 4].map(Policy::from_number), [None, None]);
}
