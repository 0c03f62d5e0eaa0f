//! The earnings of a round, computed again from the log. Reputations follow from outcomes. Shares
//! follow from the terms in the round document.

use std::collections::{BTreeMap, HashMap};

use ledger::{
    payout::{Inputs, PPM, Recipient, split},
    reputation::{Event, Outcome, reputation_ppm},
};
use names::{ContributionId, RoundId, Subject};
use protocol::PayoutTerms;

use crate::{
    Finding, Place,
    facts::{MemberFacts, RoundFacts},
    finding::RecordFault,
    record::Record,
    rows::{ContributionState, PayoutRow, RoundRow},
};

/// Checks the participant, the figures and the amount of each payout of the round. Returns `true`
/// if the payouts are in the log, or if the round pays nothing.
pub(crate) fn check_payouts(record: &Record, round: &RoundRow, facts: &RoundFacts) -> Result<bool, Finding> {
    let of_round = record.payouts.of(&round.round_id).iter();
    let rows: HashMap<ContributionId, &PayoutRow> = of_round.map(|row| (row.contribution_id, row)).collect();
    let wrong = |fault| Finding::new(Place::Payouts, fault);
    let Some(terms) = &facts.terms else {
        return if rows.is_empty() { Ok(true) } else { Err(wrong(RecordFault::PaysNothing)) };
    };
    if rows.is_empty() {
        return Ok(false);
    }
    if rows.len() != facts.members.len() {
        return Err(wrong(RecordFault::Payouts { payouts: rows.len(), members: facts.members.len() }));
    }
    check_amounts(terms, &rows, &facts.members, &reputations(record, round)?)?;
    Ok(true)
}

fn check_amounts(
    terms: &PayoutTerms,
    rows: &HashMap<ContributionId, &PayoutRow>,
    members: &[MemberFacts],
    reputations: &Reputations,
) -> Result<(), Finding> {
    let (mut amounts, mut recipients) = (Vec::new(), Vec::new());
    for member in members {
        let row = rows
            .get(&member.contribution_id)
            .ok_or_else(|| Finding::new(payout_of(member), RecordFault::NoPayout))?;
        let inputs = Inputs {
            weight: member.weight,
            score_ppm: PPM,
            reputation_ppm: reputations.of(&member.subject)?,
        };
        check_inputs(row, member, &inputs)?;
        amounts.push(row.amount);
        recipients
            .push(Recipient { participant: member.subject.as_str(), weight: terms.policy.weight(&inputs) });
    }
    let shares = split(terms.pool, &recipients).map_err(|error| Finding::new(Place::Payouts, error))?;
    for (member, (stated, expected)) in members.iter().zip(amounts.into_iter().zip(shares)) {
        if stated != expected {
            return Err(Finding::new(payout_of(member), RecordFault::Amount { stated, expected }));
        }
    }
    Ok(())
}

fn check_inputs(row: &PayoutRow, member: &MemberFacts, inputs: &Inputs) -> Result<(), Finding> {
    if row.subject != member.subject {
        let fault = RecordFault::OtherPayee { subject: row.subject.clone() };
        return Err(Finding::new(payout_of(member), fault));
    }
    let Inputs { weight, score_ppm, reputation_ppm } = *inputs;
    for (input, stated, expected) in [
        ("weight", row.weight, weight),
        ("score", row.score_ppm, score_ppm),
        ("reputation", row.reputation_ppm, reputation_ppm),
    ] {
        if stated != expected {
            return Err(Finding::new(payout_of(member), RecordFault::Input { input, stated, expected }));
        }
    }
    Ok(())
}

fn payout_of(member: &MemberFacts) -> Place {
    Place::Payout { subject: member.subject.clone() }
}

/// The reputations of participants in one round.
struct Reputations {
    sequence: u64,
    events: HashMap<Subject, Vec<Event>>,
}

impl Reputations {
    fn of(&self, subject: &Subject) -> Result<u32, Finding> {
        let events = self.events.get(subject).map_or(&[][..], Vec::as_slice);
        reputation_ppm(events.iter().copied(), self.sequence)
            .map_err(|error| Finding::new(Place::Reputation { subject: subject.clone() }, error))
    }
}

/// Collects the outcomes of rounds with a smaller number, in the order of rounds. Only outcomes
/// from before this round was created count. Each outcome of a contribution counts once, from its
/// first entry.
fn reputations(record: &Record, round: &RoundRow) -> Result<Reputations, Finding> {
    let sequence = number(round)?;
    let mut first: BTreeMap<(u64, RoundId, ContributionId, ContributionState), &Subject> = BTreeMap::new();
    let rows = record.contributions.groups().flat_map(|(_, rows)| rows);
    for row in rows.filter(|row| row.counts()) {
        if row.changed_at_us > round.created_at_us {
            continue;
        }
        let its_round = record
            .rounds
            .get(&row.round_id)
            .ok_or_else(|| Finding::new(Place::Contribution(row.contribution_id), RecordFault::NoRound))?;
        let its_number = number(its_round)?;
        if its_number < sequence {
            let outcome = (its_number, row.round_id, row.contribution_id, row.state);
            first.entry(outcome).or_insert(&row.subject);
        }
    }
    let mut events: HashMap<Subject, Vec<Event>> = HashMap::new();
    for ((sequence, _, _, state), subject) in first {
        let outcome =
            if state == ContributionState::Included { Outcome::Included } else { Outcome::Rejected };
        events.entry(subject.clone()).or_default().push(Event { sequence, outcome });
    }
    Ok(Reputations { sequence, events })
}

fn number(round: &RoundRow) -> Result<u64, Finding> {
    round.sequence.ok_or_else(|| Finding::new(Place::Round, RecordFault::NoSequence))
}
