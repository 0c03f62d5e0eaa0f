//! What a round paid, reckoned anew from the log: reputations from outcomes, shares from the terms that everybody signed.

use std::collections::{BTreeMap, HashMap};

use ledger::{
    payout::{Claim, Inputs, PPM, split},
    reputation::{Event, Outcome, reputation_ppm},
};
use protocol::PayoutTerms;

use super::{
    record::{PayoutRow, Record, RoundRow},
    round_record::{BundleFacts, Member},
    wrong,
};
use crate::error::Result;

pub(super) fn policy_name(terms: &PayoutTerms) -> &'static str {
    terms.policy.as_str()
}

/// Checks each payout of the round: who, from what, how much. Returns whether there are any, or none are due.
pub(super) fn check_payouts(record: &Record, round: &RoundRow, facts: &BundleFacts) -> Result<bool> {
    let of_round = record.payouts.of(&round.round_id).iter();
    let rows: HashMap<&str, &PayoutRow> = of_round.map(|row| (row.contribution_id.as_str(), row)).collect();
    let Some(terms) = &facts.terms else {
        return if rows.is_empty() { Ok(true) } else { Err(wrong("payouts", "the round pays nothing")) };
    };
    if rows.is_empty() {
        return Ok(false);
    }
    if rows.len() != facts.members.len() {
        let (count, members) = (rows.len(), facts.members.len());
        let what =
            format!("there are {count} for {members} members: if it has only just paid, fetch it again");
        return Err(wrong("payouts", what));
    }
    let reputations = reputations(record, round)?;
    let mut claims = Vec::with_capacity(rows.len());
    for member in &facts.members {
        let at = format!("payout of {}", member.subject);
        let row =
            rows.get(member.contribution_id.to_string().as_str()).ok_or_else(|| wrong(&at, "is missing"))?;
        let inputs = Inputs {
            weight: member.weight,
            score_ppm: PPM,
            reputation_ppm: reputations.of(&member.subject)?,
        };
        check_inputs(&at, row, member, &inputs)?;
        claims.push(Claim { participant: &member.subject, weight: terms.policy.weight(&inputs) });
    }
    let shares = split(terms.pool, &claims).map_err(|error| wrong("payouts", error))?;
    for (member, share) in facts.members.iter().zip(shares) {
        let stated = &rows[member.contribution_id.to_string().as_str()].amount;
        if *stated != share.to_string() {
            let what = format!("is {stated} where the terms give {share}");
            return Err(wrong(&format!("payout of {}", member.subject), what));
        }
    }
    Ok(true)
}

fn check_inputs(at: &str, row: &PayoutRow, member: &Member, inputs: &Inputs) -> Result<()> {
    if row.subject != member.subject {
        return Err(wrong(at, format!("goes to {}", row.subject)));
    }
    let Inputs { weight, score_ppm, reputation_ppm } = *inputs;
    for (name, stated, reckoned) in [
        ("weight", row.weight, weight),
        ("score", row.score_ppm, score_ppm),
        ("reputation", row.reputation_ppm, reputation_ppm),
    ] {
        if stated != reckoned {
            return Err(wrong(at, format!("was reckoned with a {name} of {stated} instead of {reckoned}")));
        }
    }
    Ok(())
}

/// The reputations of participants in one round.
struct Reputations {
    sequence: u64,
    events: HashMap<String, Vec<Event>>,
}

impl Reputations {
    fn of(&self, subject: &str) -> Result<u32> {
        let events = self.events.get(subject).map_or(&[][..], Vec::as_slice);
        reputation_ppm(events.iter().copied(), self.sequence)
            .map_err(|error| wrong(&format!("reputation of {subject}"), error))
    }
}

/// Outcomes in rounds with a smaller number that had happened when the round was created, in the order of rounds; each
/// outcome of a contribution counts once, from its first entry.
fn reputations(record: &Record, round: &RoundRow) -> Result<Reputations> {
    let numbered = |row: &RoundRow| row.sequence.ok_or_else(|| wrong("round", "has no number in the log"));
    let sequence = numbered(round)?;
    let mut first: BTreeMap<(u64, &str, &str, &str), &str> = BTreeMap::new();
    for (its_round, row) in
        record.contributions.groups().flat_map(|(id, rows)| rows.iter().map(move |row| (id, row)))
    {
        if !matches!(row.state.as_str(), "included" | "rejected") || row.changed_at > round.created_at {
            continue;
        }
        let at = format!("contribution {}", row.contribution_id);
        let its_round =
            record.rounds.get(its_round).ok_or_else(|| wrong(&at, "its round is not in the log"))?;
        let number = numbered(its_round)?;
        if number < sequence {
            first.entry((number, &row.round_id, &row.contribution_id, &row.state)).or_insert(&row.subject);
        }
    }
    let mut events: HashMap<String, Vec<Event>> = HashMap::new();
    for ((sequence, _, _, state), subject) in first {
        let outcome = if state == "included" { Outcome::Included } else { Outcome::Rejected };
        events.entry(subject.to_owned()).or_default().push(Event { sequence, outcome });
    }
    Ok(Reputations { sequence, events })
}
