//! A combiner's company: which signed refusals excuse a participant that is not in the set.

use std::collections::HashSet;

use protocol::{
    IdentityKey, RefusedFor, Signature, Signed, SignedRefusal,
    roles::company::{Company, CompanyLimits, Known},
};

use crate::fixture::{Contribution, Fixture};

/// The combiner that asks.
const OWN: u8 = 1;
const OTHER: u8 = 2;

fn company(contributions: &[&Contribution]) -> Company {
    contributions.iter().map(|contribution| Known::from(contribution.header())).collect()
}

fn refusal(fixture: &Fixture, holder: u8, of: &Contribution) -> SignedRefusal {
    let refusal = SignedRefusal {
        round_hash: *fixture.round.hash(),
        header_hash: of.header().hash(),
        sealed_digest: of.header().sealed_digest,
        holder,
        reason: RefusedFor::Share,
        signature: Signature::BLANK,
    };
    refusal.sign(&fixture.parties.holders[usize::from(holder)].0)
}

#[test]
fn p1_a_refusal_that_another_combiner_signed_excuses_its_participant() {
    let mut fixture = Fixture::new(60);
    let contributions: Vec<_> = (0..4).map(|i| fixture.contribution(&format!("client-{i}"))).collect();
    let company = company(&contributions.iter().collect::<Vec<_>>());
    let refusals = [refusal(&fixture, OTHER, &contributions[0])];
    let excused = company.excused(&fixture.round, OWN, refusals.iter().chain(&refusals).cloned());
    assert_eq!(excused, [contributions[0].header().hash()].into());
    let limits = CompanyLimits { max_left_out: 0, max_refused_by_others: 250 };
    let set: HashSet<_> = contributions[1..].iter().map(|c| c.header().hash()).collect();
    let none = HashSet::new();
    company.check(limits, &set, &none, &excused).unwrap();
    company.check(limits, &set, &none, &none).unwrap_err();
}

#[test]
fn p1_a_false_excuse_excuses_nobody() {
    let mut fixture = Fixture::new(61);
    let [victim, other, unknown] = ["victim", "other", "unknown"].map(|name| fixture.contribution(name));
    let company = company(&[&victim, &other]);
    let good = refusal(&fixture, OTHER, &victim);
    let stranger = IdentityKey::generate(&mut fixture.rng);
    let by = |holder: u8| &fixture.parties.holders[usize::from(holder)].0;
    let another_round = Fixture::new(62);
    for (name, false_excuse) in [
        ("by the aggregator", refusal(&fixture, 0, &victim)),
        ("by the aggregator in the other's name", good.clone().sign(by(0))),
        ("by the combiner itself", refusal(&fixture, OWN, &victim)),
        ("by the combiner itself in the other's name", good.clone().sign(by(OWN))),
        ("by a stranger", good.clone().sign(&stranger)),
        ("by a holder that the round does not have", SignedRefusal { holder: 3, ..good.clone() }),
        ("for a contribution that nobody knows", refusal(&fixture, OTHER, &unknown)),
        ("moved to another header", SignedRefusal { header_hash: other.header().hash(), ..good.clone() }),
        ("with another reason", SignedRefusal { reason: RefusedFor::Rule, ..good.clone() }),
        ("without a signature", SignedRefusal { signature: Signature::BLANK, ..good.clone() }),
        (
            "for other sealed seeds",
            SignedRefusal { sealed_digest: other.header().sealed_digest, ..good.clone() }.sign(by(OTHER)),
        ),
        (
            "for another round",
            SignedRefusal { round_hash: *another_round.round.hash(), ..good.clone() }.sign(by(OTHER)),
        ),
    ] {
        let excused = company.excused(&fixture.round, OWN, [false_excuse.clone()]);
        assert!(excused.is_empty(), "{name}");
        let excused = company.excused(&fixture.round, OWN, [false_excuse, good.clone()]);
        assert_eq!(excused.len(), 1, "{name}: the true one beside it counts");
    }
}
