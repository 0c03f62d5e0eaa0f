//! The company of a combiner: the participants that it knows of when a set is named. A set that
//! leaves out too many of them is not released, so an aggregator cannot choose the company of a
//! victim.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use names::{HeaderHash, SealedDigest, Subject};

use crate::{
    ContributionHeader, RefusedFor, Signed, SignedRefusal, VerifiedRound, roles::aggregator::HOLDER,
};

/// How much of its company a set may lack, in parts per thousand. Each bound holds for the number
/// of participants and for their weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompanyLimits {
    /// The most that may be left out without a reason.
    pub max_left_out: u16,
    /// The most that may be away because other combiners refused them.
    pub max_refused_by_others: u16,
}

/// A contribution that a combiner knows of. It attested it, or it holds a receipt for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The hash of its header.
    pub header_hash: HeaderHash,
    /// The participant.
    pub subject: Subject,
    /// Its weight.
    pub weight: u32,
    /// The digest of its sealed seeds, from its header.
    pub sealed_digest: SealedDigest,
}

impl From<&ContributionHeader> for Known {
    fn from(header: &ContributionHeader) -> Self {
        Self {
            header_hash: header.hash(),
            subject: header.credential.subject.clone(),
            weight: header.weight,
            sealed_digest: header.sealed_digest,
        }
    }
}

/// A number of participants, with their weight. A participant weighs as much as the heaviest of its
/// contributions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The participants.
    pub subjects: u64,
    /// Their weight.
    pub weight: u64,
}

impl Tally {
    fn add(&mut self, weight: u32) {
        self.subjects += 1;
        self.weight += u64::from(weight);
    }

    /// The largest part of these that keeps to a bound in parts per thousand.
    fn up_to(self, per_thousand: u16) -> Self {
        let of = |whole: u64| u64::try_from(u128::from(whole) * u128::from(per_thousand) / 1000);
        let whole = "a bound of at most 1000 parts per thousand";
        Self { subjects: of(self.subjects).expect(whole), weight: of(self.weight).expect(whole) }
    }

    fn is_within(self, bound: Self) -> bool {
        self.subjects <= bound.subjects && self.weight <= bound.weight
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with weight {}", self.subjects, self.weight)
    }
}

/// The participants that a combiner knows of, with their contributions.
#[derive(Clone, Debug, Default)]
pub struct Company {
    members: BTreeMap<Subject, Vec<HeaderHash>>,
    contributions: HashMap<HeaderHash, Known>,
}

/// What the rule says about a set: its participants by the reason why they may be away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "of {company} in all, the set leaves out {left_out}, at most {may_leave_out}; and other combiners \
     refused {refused}, at most {may_refuse}"
)]
pub struct LeftOut {
    /// The whole company.
    pub company: Tally,
    /// Those that are left out without a reason.
    pub left_out: Tally,
    /// The most that may be left out without a reason.
    pub may_leave_out: Tally,
    /// Those that other combiners refused.
    pub refused: Tally,
    /// The most that other combiners may refuse.
    pub may_refuse: Tally,
    /// A contribution of each participant that is left out without a reason.
    pub waiting_for: Vec<HeaderHash>,
}

impl FromIterator<Known> for Company {
    fn from_iter<T: IntoIterator<Item = Known>>(contributions: T) -> Self {
        let mut company = Self::default();
        for known in contributions {
            if !company.contributions.contains_key(&known.header_hash) {
                company.members.entry(known.subject.clone()).or_default().push(known.header_hash);
                company.contributions.insert(known.header_hash, known);
            }
        }
        company
    }
}

impl Company {
    /// The known contributions that another combiner of the round refused. The aggregator's
    /// refusals do not count, and neither do those of `own`, the combiner that asks.
    pub fn excused(
        &self,
        round: &VerifiedRound,
        own: u8,
        refusals: impl IntoIterator<Item = SignedRefusal>,
    ) -> HashSet<HeaderHash> {
        self.refused(round, refusals, |refusal| ![HOLDER, own].contains(&refusal.holder))
    }

    /// The known contributions that the combiner `own` itself found bad: their share does not open,
    /// or they break a rule. It recognises its own signature.
    pub fn found_bad(
        &self,
        round: &VerifiedRound,
        own: u8,
        refusals: impl IntoIterator<Item = SignedRefusal>,
    ) -> HashSet<HeaderHash> {
        let bad = [RefusedFor::Share, RefusedFor::Rule];
        self.refused(round, refusals, |refusal| refusal.holder == own && bad.contains(&refusal.reason))
    }

    /// The known contributions of which one of these refusals speaks that `counts`. Its holder must
    /// have signed it for this round and for the sealed seeds that the participant signed.
    ///
    /// Each contribution is looked up before a signature is checked. So bytes that excuse nobody
    /// cost little.
    fn refused(
        &self,
        round: &VerifiedRound,
        refusals: impl IntoIterator<Item = SignedRefusal>,
        counts: impl Fn(&SignedRefusal) -> bool,
    ) -> HashSet<HeaderHash> {
        let mut refused = HashSet::new();
        for refusal in refusals {
            let known = self.contributions.get(&refusal.header_hash);
            let speaks_of_it = refusal.round_hash == *round.hash()
                && known.is_some_and(|known| known.sealed_digest == refusal.sealed_digest);
            if !speaks_of_it || !counts(&refusal) || refused.contains(&refusal.header_hash) {
                continue;
            }
            let holder = round.holder(refusal.holder);
            if holder.is_some_and(|holder| refusal.verify(&holder.identity_key).is_ok()) {
                refused.insert(refusal.header_hash);
            }
        }
        refused
    }

    /// Checks that the set with these members leaves out few participants of this company.
    ///
    /// A participant is accounted for if one of its contributions is in the set, or in `bad`: the
    /// contributions that this combiner itself found bad. One of its contributions in `excused`
    /// makes it refused by others. Every other participant is left out.
    ///
    /// # Errors
    /// [`LeftOut`] if more are left out or refused than the limits allow, by their number or by
    /// their weight.
    pub fn check(
        &self,
        limits: CompanyLimits,
        set: &HashSet<HeaderHash>,
        bad: &HashSet<HeaderHash>,
        excused: &HashSet<HeaderHash>,
    ) -> Result<(), LeftOut> {
        let (mut company, mut left_out, mut refused) = (Tally::default(), Tally::default(), Tally::default());
        let mut waiting_for = Vec::new();
        for contributions in self.members.values() {
            let is_in = |some: &HashSet<HeaderHash>| contributions.iter().any(|hash| some.contains(hash));
            let weight_of = |hash: &HeaderHash| self.contributions[hash].weight;
            let heaviest = contributions.iter().max_by_key(|&hash| (weight_of(hash), *hash));
            let heaviest = heaviest.expect("a member has a contribution");
            company.add(weight_of(heaviest));
            if is_in(set) || is_in(bad) {
                continue;
            }
            if is_in(excused) {
                refused.add(weight_of(heaviest));
            } else {
                left_out.add(weight_of(heaviest));
                waiting_for.push(*heaviest);
            }
        }
        let may_leave_out = company.up_to(limits.max_left_out);
        let may_refuse = company.up_to(limits.max_refused_by_others);
        if left_out.is_within(may_leave_out) && refused.is_within(may_refuse) {
            return Ok(());
        }
        Err(LeftOut { company, left_out, may_leave_out, refused, may_refuse, waiting_for })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: CompanyLimits = CompanyLimits { max_left_out: 100, max_refused_by_others: 250 };

    fn hash(index: u8) -> HeaderHash {
        [index; 32].into()
    }

    fn known(subject: &str, index: u8, weight: u32) -> Known {
        Known {
            header_hash: hash(index),
            subject: Subject::new(subject).unwrap(),
            weight,
            sealed_digest: [index; 32].into(),
        }
    }

    /// One contribution of each weight, by participants of their own.
    fn company(weights: &[u32]) -> Company {
        (0..).zip(weights).map(|(index, &weight)| known(&format!("p{index}"), index, weight)).collect()
    }

    fn hashes(indices: impl IntoIterator<Item = u8>) -> HashSet<HeaderHash> {
        indices.into_iter().map(hash).collect()
    }

    fn check(
        company: &Company,
        set: impl IntoIterator<Item = u8>,
        bad: impl IntoIterator<Item = u8>,
        excused: impl IntoIterator<Item = u8>,
    ) -> Result<(), LeftOut> {
        company.check(LIMITS, &hashes(set), &hashes(bad), &hashes(excused))
    }

    #[test]
    fn p1_the_threshold_of_those_left_out_is_exact_by_number() {
        for (size, allowed) in [(1, 0), (9, 0), (10, 1), (19, 1), (20, 2), (99, 9), (100, 10)] {
            let company = company(&vec![1; usize::from(size)]);
            check(&company, allowed..size, [], []).unwrap();
            let left_out = check(&company, allowed + 1..size, [], []).unwrap_err();
            assert_eq!(left_out.left_out.subjects, u64::from(allowed) + 1, "{size}");
            assert_eq!(left_out.may_leave_out.subjects, u64::from(allowed), "{size}");
        }
    }

    #[test]
    fn p1_the_threshold_of_those_left_out_is_exact_by_weight() {
        let with = |weight| company(&[&[weight][..], &[10; 9], &[9; 10]].concat());
        check(&with(20), 1..20, [], []).unwrap();
        let left_out = check(&with(21), 1..20, [], []).unwrap_err();
        assert_eq!((left_out.left_out.weight, left_out.may_leave_out.weight), (21, 20));
        assert_eq!((left_out.left_out.subjects, left_out.may_leave_out.subjects), (1, 2));
    }

    #[test]
    fn p1_the_threshold_of_those_refused_by_others_is_exact_by_number_and_by_weight() {
        for (size, allowed) in [(3, 0), (4, 1), (7, 1), (8, 2), (100, 25)] {
            let company = company(&vec![1; usize::from(size)]);
            check(&company, allowed..size, [], 0..allowed).unwrap();
            let refused = check(&company, allowed + 1..size, [], 0..allowed + 1).unwrap_err();
            assert_eq!(refused.refused.subjects, u64::from(allowed) + 1, "{size}");
            assert!(refused.waiting_for.is_empty(), "nobody is left out without a reason");
        }
        let with = |weight| company(&[weight, 10, 10, 10, 10, 10, 10, 9, 9, 10]);
        check(&with(29), 1..10, [], [0]).unwrap();
        check(&with(30), 1..10, [], [0]).unwrap_err();
    }

    #[test]
    fn p1_the_two_thresholds_hold_beside_each_other() {
        let company = company(&[1; 20]);
        check(&company, 7..20, [], 2..7).unwrap();
        check(&company, 8..20, [], 3..8).unwrap_err();
        check(&company, 8..20, [], 2..8).unwrap_err();
    }

    #[test]
    fn p1_three_contributions_of_one_participant_count_once_with_the_largest_weight() {
        let others = (3..13).map(|index| known(&format!("p{index}"), index, 10));
        let company: Company =
            [known("one", 0, 3), known("one", 1, 9), known("one", 2, 5)].into_iter().chain(others).collect();
        check(&company, 3..13, [], []).unwrap();
        let left_out = check(&company, 4..13, [], []).unwrap_err();
        assert_eq!(left_out.company, Tally { subjects: 11, weight: 109 });
        assert_eq!(left_out.left_out, Tally { subjects: 2, weight: 19 });
        assert_eq!(left_out.waiting_for.iter().collect::<HashSet<_>>(), [&hash(1), &hash(3)].into());
        check(&company, (4..13).chain([2]), [], []).unwrap();
    }

    #[test]
    fn a_contribution_that_is_attested_and_has_a_receipt_counts_once() {
        let twice = [known("a", 0, 2), known("a", 0, 2), known("b", 1, 2)];
        let left_out = check(&twice.into_iter().collect(), [1], [], []).unwrap_err();
        assert_eq!(left_out.company, Tally { subjects: 2, weight: 4 });
    }

    #[test]
    fn a_participant_with_a_proof_that_does_not_verify_may_be_away() {
        let company = company(&[1; 8]);
        check(&company, 4..8, 0..4, []).unwrap();
        check(&company, 5..8, 0..4, []).unwrap_err();
    }

    #[test]
    fn the_largest_company_does_not_overflow() {
        let known = known("a", 0, u32::MAX);
        let limits = CompanyLimits { max_left_out: 1000, max_refused_by_others: 1000 };
        let company: Company = [known].into_iter().collect();
        company.check(limits, &HashSet::new(), &HashSet::new(), &HashSet::new()).unwrap();
        let whole = Tally { subjects: u64::MAX, weight: u64::MAX };
        assert_eq!(whole.up_to(1000), whole);
    }
}
