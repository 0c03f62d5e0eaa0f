//! Statements that nothing of a round was released.

use protocol::{Canonical, Refusal, Unreleased, VerifiedRound, check_unreleased};

use crate::fixture::{Fixture, document};

/// The statements of both combiners.
fn statements(fixture: &Fixture) -> Vec<Unreleased> {
    let state = |holder: u8| {
        Unreleased::state(*fixture.round.hash(), holder, &fixture.parties.holders[usize::from(holder)].0)
    };
    vec![state(1), state(2)]
}

#[test]
fn the_statements_of_all_combiners_count() {
    let fixture = Fixture::new(1);
    check_unreleased(&fixture.round, &statements(&fixture)).unwrap();
    assert_eq!(statements(&fixture), statements(&fixture), "signing is deterministic");
}

#[test]
fn a_missing_repeated_or_misplaced_statement_is_refused() {
    let fixture = Fixture::new(2);
    let [one, two] = &statements(&fixture)[..] else { unreachable!() };
    let refused = |statements: &[&Unreleased]| {
        let statements: Vec<Unreleased> = statements.iter().map(|&one| one.clone()).collect();
        check_unreleased(&fixture.round, &statements).unwrap_err()
    };
    assert_eq!(refused(&[]), Refusal::Holders { expected: 2, found: 0 });
    assert_eq!(refused(&[one]), Refusal::Holders { expected: 2, found: 1 });
    for wrong in [[one, one], [two, two], [two, one]] {
        assert!(matches!(refused(&wrong), Refusal::Holders { .. }));
    }
    assert_eq!(refused(&[one, two, two]), Refusal::Holders { expected: 2, found: 3 });
}

#[test]
fn a_statement_that_a_combiner_did_not_make_about_this_round_is_refused() {
    let mut fixture = Fixture::new(3);
    let honest = statements(&fixture);
    let by_another = |holder: usize| {
        let forged = Unreleased::state(*fixture.round.hash(), 1, &fixture.parties.holders[holder].0);
        check_unreleased(&fixture.round, &[forged, honest[1].clone()]).unwrap_err()
    };
    for holder in [0, 2] {
        let of = "statement that nothing was released";
        assert_eq!(by_another(holder), Refusal::Signature { of });
    }
    let aggregator = Unreleased::state(*fixture.round.hash(), 0, &fixture.parties.holders[0].0);
    assert!(matches!(aggregator.check(&fixture.round, 0), Err(Refusal::Holders { .. })));

    let other = VerifiedRound::trusted(document(&fixture.parties, &mut fixture.rng)).unwrap();
    assert_eq!(check_unreleased(&other, &honest), Err(Refusal::WrongRound));
    let mut bytes = honest[0].to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let tampered = Unreleased::from_bytes(&bytes).unwrap();
    assert!(matches!(tampered.check(&fixture.round, 1), Err(Refusal::Signature { .. })));
}
