//! The verdicts of the auditor on the honest round and on changed ones.

use audit::{AuditError, Bundle, BundleJson, Finding, Place, Proofs, RoundReport, verify_round};
use names::{ContributionId, PublicKey};
use protocol::Proof;
use rand::rngs::OsRng;
use serde_json::{Value, json};

use crate::publication::{Publication, publication};

impl Publication {
    fn verify(&self, proofs: Proofs) -> Result<RoundReport, Finding> {
        let bundle = Bundle::read(self.bundle.to_string().as_bytes(), &self.pins)?;
        let (mut vectors, mut steps) = (self.vectors.clone(), 0);
        let round = verify_round(&bundle, proofs, &mut vectors, &mut OsRng, &mut || steps += 1);
        match round {
            Ok(round) => {
                assert_eq!(steps, bundle.steps());
                Ok(round)
            }
            Err(AuditError::Finding(finding)) => Err(finding),
            Err(other) => panic!("{other}"),
        }
    }

    fn member(&self, index: usize) -> ContributionId {
        serde_json::from_value(self.bundle["members"][index]["contribution_id"].clone()).unwrap()
    }

    fn body(&mut self, index: usize) -> &mut Vec<u8> {
        let name = self.member(index);
        self.vectors.bodies.get_mut(&name).unwrap()
    }

    fn list(&mut self, name: &str) -> &mut Vec<Value> {
        self.bundle[name].as_array_mut().unwrap()
    }
}

/// Changes the last digit of a text.
fn mistype(text: &mut Value) {
    let mut digits = text.as_str().unwrap().to_owned();
    let last = digits.pop().unwrap();
    digits.push(if last == '0' { '1' } else { '0' });
    *text = digits.into();
}

#[test]
fn an_honest_round_verifies() {
    let publication = publication(Proof::None);
    let round = publication.verify(Proofs::All).unwrap();
    assert_eq!((round.members, round.proofs), (3, 0));
    let stated = BundleJson::read(publication.bundle.to_string().as_bytes()).unwrap().stated_pins().unwrap();
    assert_eq!(stated, publication.pins);
}

#[test]
fn every_part_that_was_changed_is_named() {
    /// The change, the place that the audit names, and words of its message.
    type Case = (fn(&mut Publication), fn(&Publication) -> Place, &'static str);
    fn second(published: &Publication) -> Place {
        Place::Contribution(published.member(1))
    }
    let cases: [Case; 23] = [
        (|p| p.bundle["version"] = 1.into(), |_| Place::Bundle, "is not a bundle"),
        (|p| p.bundle = json!({"version": 2}), |_| Place::Bundle, "is not a bundle"),
        (|p| mistype(&mut p.bundle["document"]), |_| Place::RoundDocument, "round document"),
        (|p| mistype(&mut p.list("countersignatures")[1]), |_| Place::RoundDocument, "countersignature"),
        (|p| mistype(&mut p.bundle["aggregator_key"]), |_| Place::AggregatorKey, "is not the document's"),
        (|p| mistype(&mut p.list("members")[1]["header"]), second, "contribution does not verify"),
        (|p| mistype(&mut p.list("members")[1]["contribution_id"]), second, "names another contribution"),
        (
            |p| drop(p.list("members")[1]["attestations"].as_array_mut().unwrap().pop()),
            second,
            "not attested by every combiner",
        ),
        (
            |p| p.list("members")[1]["attestations"].as_array_mut().unwrap().reverse(),
            |p| Place::Attestation { contribution: p.member(1), holder: 1 },
            "holder 1",
        ),
        (
            |p| {
                let again = p.list("members")[1].clone();
                p.list("members").insert(1, again);
            },
            second,
            "is in the set already",
        ),
        (|p| p.list("members").swap(0, 1), |_| Place::Members, "ascending order"),
        (|p| drop(p.list("members").pop()), |_| Place::Result, "is not about these members"),
        (|p| mistype(&mut p.bundle["result"]), |_| Place::Result, "result does not verify"),
        (|p| p.body(1)[4000] ^= 1, second, "the body does not have the stated digest"),
        (|p| p.body(1).truncate(4000), second, "bytes, not"),
        (|p| p.body(1).push(0), second, "bytes, not"),
        (|p| p.body(1).clear(), second, "has 0 bytes"),
        (|p| drop(p.list("answers").pop()), |_| Place::Answers, "not one of every holder"),
        (|p| p.list("answers").swap(1, 2), |_| Place::Answer { holder: 1 }, "another holder's"),
        (|p| mistype(&mut p.list("answers")[2]), |_| Place::Answer { holder: 2 }, "does not verify"),
        (|p| p.vectors.sum[77] ^= 1, |_| Place::SumChunk { chunk: 0 }, "not the sum of the bodies"),
        (|p| p.vectors.sum.truncate(800), |_| Place::SumChunk { chunk: 0 }, "not the sum of the bodies"),
        (|p| p.vectors.sum.push(0), |_| Place::Sum, "longer than the round's dimension"),
    ];
    let honest = publication(Proof::None);
    for (index, (change, at, fault)) in cases.into_iter().enumerate() {
        let mut published = honest.clone();
        change(&mut published);
        let finding = published.verify(Proofs::All).unwrap_err();
        assert_eq!(finding.at, at(&published), "case {index}: {}", finding.fault);
        assert!(finding.fault.to_string().contains(fault), "case {index}: {}", finding.fault);
    }
}

#[test]
fn a_round_of_other_parties_is_refused() {
    let honest = publication(Proof::None);
    let stranger = PublicKey::from_bytes([7; 32]);
    let changes: [fn(&mut Publication, PublicKey); 3] = [
        |p, key| p.pins.aggregator = key,
        |p, key| p.pins.combiners[1] = key,
        |p, key| p.pins.registrar = key,
    ];
    for change in changes {
        let mut published = honest.clone();
        change(&mut published, stranger);
        assert_eq!(published.verify(Proofs::All).unwrap_err().at, Place::RoundDocument);
    }
}

#[test]
fn demanded_proofs_are_verified_all_or_a_sample_of_them() {
    let mut published = publication(Proof::NormV2);
    let round = published.verify(Proofs::All).unwrap();
    assert_eq!((round.proofs, round.found_at_99_percent()), (3, Some(1)));
    let round = published.verify(Proofs::Sample(1)).unwrap();
    assert_eq!((round.proofs, round.found_at_99_percent()), (1, Some(3)));
    assert_eq!(published.verify(Proofs::Sample(9)).unwrap().proofs, 3);

    mistype(&mut published.list("members")[2]["proof"]);
    let finding = published.verify(Proofs::All).unwrap_err();
    assert_eq!(finding.at, Place::Contribution(published.member(2)));
    assert_eq!(finding.fault.to_string(), "the proof does not have the stated digest");
}
