//! The reputation rule: worked numbers, a literal implementation, and events out of order.

use ledger::reputation::{Event, Outcome, Reputation, ReputationError, reputation_ppm};
use rand::{Rng, SeedableRng, rngs::StdRng};

const INCLUDED: Outcome = Outcome::Included;

fn events(outcomes: &[(u64, Outcome)]) -> Vec<Event> {
    outcomes.iter().map(|&(sequence, outcome)| Event { sequence, outcome }).collect()
}

fn ppm(outcomes: &[(u64, Outcome)], at: u64) -> u32 {
    reputation_ppm(events(outcomes), at).unwrap()
}

#[test]
fn worked_numbers_are_those_of_the_page() {
    assert_eq!(ppm(&[], 9), 500_000);
    assert_eq!(ppm(&[(1, INCLUDED)], 1), 666_666);
    assert_eq!(ppm(&[(1, Outcome::Rejected)], 1), 200_000);
    assert_eq!(ppm(&[(1, Outcome::Dropped)], 1), 333_333);
    assert_eq!(ppm(&[(1, Outcome::Scored { score_ppm: 250_000 })], 1), 416_666);
    assert_eq!(ppm(&[(1, Outcome::Scored { score_ppm: 1_000_000 })], 1), ppm(&[(1, INCLUDED)], 1));
    let mut always: Vec<_> = (1..=500).map(|round| (round, INCLUDED)).collect();
    assert_eq!(ppm(&always, 500), 954_545);
    always.push((501, Outcome::Rejected));
    assert_eq!(ppm(&always, 501), 833_333);
    always.extend((502..=515).map(|round| (round, INCLUDED)));
    assert_eq!(ppm(&always, 515), 892_797, "half of the loss is made good");
    let mut betrayal: Vec<_> = (1..=20).map(|round| (round, INCLUDED)).collect();
    betrayal.push((21, Outcome::Rejected));
    assert_eq!(ppm(&betrayal, 21), 767_289);
    assert_eq!(ppm(&betrayal, 10_000), 500_000, "all is forgotten");
}

/// The rule as it is written, with no shortcut: floor(19·evidence / 20) a round.
fn literal(events: &[Event], at: u64) -> u32 {
    let (mut r, mut s) = (0u128, 0u128);
    for round in 0..=at {
        (r, s) = (r * 19 / 20, s * 19 / 20);
        for event in events.iter().filter(|event| event.sequence == round) {
            let (for_, against) = match event.outcome {
                Outcome::Included => (1_000_000, 0),
                Outcome::Scored { score_ppm } => (score_ppm.into(), 1_000_000 - u128::from(score_ppm)),
                Outcome::Rejected => (0, 3_000_000),
                Outcome::Dropped => (0, 1_000_000),
            };
            (r, s) = (r + for_, s + against);
        }
    }
    u32::try_from((r + 1_000_000) * 1_000_000 / (r + s + 2_000_000)).unwrap()
}

fn history(rng: &mut StdRng) -> Vec<Event> {
    let mut sequence = 0;
    (0..rng.gen_range(0..30))
        .map(|_| {
            sequence += rng.gen_range(0..4);
            let outcome = match rng.gen_range(0..4) {
                0 => Outcome::Included,
                1 => Outcome::Rejected,
                2 => Outcome::Dropped,
                _ => Outcome::Scored { score_ppm: rng.gen_range(0..=1_000_000) },
            };
            Event { sequence, outcome }
        })
        .collect()
}

#[test]
fn every_history_gives_what_the_rule_says() {
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..2_000 {
        let events = history(&mut rng);
        let last = events.last().map_or(0, |event| event.sequence);
        let at = last + rng.gen_range(0..200);
        assert_eq!(reputation_ppm(events.iter().copied(), at), Ok(literal(&events, at)), "{events:?} {at}");
    }
}

#[test]
fn events_of_one_round_count_alike_in_any_order() {
    let one = ppm(&[(3, INCLUDED), (5, Outcome::Rejected), (5, INCLUDED), (5, Outcome::Dropped)], 6);
    let other = ppm(&[(3, INCLUDED), (5, Outcome::Dropped), (5, INCLUDED), (5, Outcome::Rejected)], 6);
    assert_eq!(one, other);
}

#[test]
fn a_better_outcome_never_gives_a_lower_reputation() {
    let mut rng = StdRng::seed_from_u64(2);
    for _ in 0..2_000 {
        let mut events = history(&mut rng);
        let Some(changed) = events.len().checked_sub(1).map(|last| rng.gen_range(0..=last)) else { continue };
        let at = events[events.len() - 1].sequence + 1;
        let order = [
            Outcome::Rejected,
            Outcome::Dropped,
            Outcome::Scored { score_ppm: 1 },
            Outcome::Scored { score_ppm: 999_999 },
            Outcome::Included,
        ];
        let ascending = order.map(|outcome| {
            events[changed].outcome = outcome;
            reputation_ppm(events.iter().copied(), at).unwrap()
        });
        assert!(ascending.is_sorted(), "{ascending:?}");
    }
}

#[test]
fn rounds_out_of_order_and_scores_above_one_are_refused() {
    let mut reputation = Reputation::default();
    reputation.record(Event { sequence: 5, outcome: INCLUDED }).unwrap();
    let before = reputation;
    let order = ReputationError::Order { sequence: 4, after: 5 };
    assert_eq!(reputation.record(Event { sequence: 4, outcome: INCLUDED }), Err(order));
    assert_eq!(reputation.ppm(4), Err(order));
    let score = Outcome::Scored { score_ppm: 1_000_001 };
    let refused = ReputationError::Score { score_ppm: 1_000_001 };
    assert_eq!(reputation.record(Event { sequence: 6, outcome: score }), Err(refused));
    assert_eq!(reputation, before, "a refused event leaves no trace");
    assert_eq!(reputation.ppm(u64::MAX), Ok(500_000));
}
