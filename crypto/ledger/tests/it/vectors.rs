//! Splits and reputations that another program computed. `tests/vectors/payouts.json` names it.

use ledger::{
    payout::{Recipient, split},
    reputation::{Event, Outcome, reputation_ppm},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    splits: Vec<Split>,
    reputations: Vec<Reputation>,
}

#[derive(Deserialize)]
struct Split {
    pool: String,
    claims: Vec<(String, u64)>,
    shares: Vec<String>,
}

#[derive(Deserialize)]
struct Reputation {
    events: Vec<(u64, String, u32)>,
    at: u64,
    ppm: u32,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../../tests/vectors/payouts.json")).unwrap()
}

#[test]
fn another_program_splits_alike() {
    let splits = vectors().splits;
    assert_eq!(splits.len(), 200);
    for case in splits {
        let recipients: Vec<Recipient<'_>> = case
            .claims
            .iter()
            .map(|(participant, weight)| Recipient { participant, weight: *weight })
            .collect();
        let shares = split(case.pool.parse().unwrap(), &recipients).unwrap();
        let shares: Vec<String> = shares.iter().map(u128::to_string).collect();
        assert_eq!(shares, case.shares, "{} among {:?}", case.pool, case.claims);
    }
}

#[test]
fn another_program_computes_the_same_reputations() {
    let reputations = vectors().reputations;
    assert_eq!(reputations.len(), 200);
    for case in reputations {
        let events = case.events.iter().map(|(sequence, kind, score_ppm)| {
            let outcome = match kind.as_str() {
                "included" => Outcome::Included,
                "rejected" => Outcome::Rejected,
                "dropped" => Outcome::Dropped,
                _ => Outcome::Scored { score_ppm: *score_ppm },
            };
            Event { sequence: *sequence, outcome }
        });
        assert_eq!(reputation_ppm(events, case.at), Ok(case.ppm), "{:?}", case.events);
    }
}
