//! Compares a round with the log: its document, set, answers, result and payouts.

use std::collections::HashMap;

use names::ContributionId;
use protocol::PayoutTerms;

use crate::{
    Finding, Place,
    earnings::check_payouts,
    facts::RoundFacts,
    finding::RecordFault,
    record::Record,
    rows::{ContributionRow, ContributionState, LoggedBytes, MemberRow, RoundRow, RoundState},
};

/// Compares all entries about the round with the round. Returns whether the log has the payouts.
/// They come after the result.
pub(crate) fn check_round(record: &Record, facts: &RoundFacts) -> Result<bool, Finding> {
    let row =
        record.rounds.get(&facts.round_id).ok_or_else(|| Finding::new(Place::Round, RecordFault::Missing))?;
    check_row(row, facts)?;
    check_members(record, facts)?;
    check_contributions(record, facts)?;
    check_answers(record, facts)?;
    let result = record.results.of(&facts.round_id).first();
    if result.is_none_or(|row| row.result != LoggedBytes::of(&facts.result)) {
        return Err(Finding::new(Place::Result, RecordFault::Other));
    }
    check_payouts(record, row, facts)
}

fn check_row(row: &RoundRow, facts: &RoundFacts) -> Result<(), Finding> {
    let terms = facts.terms.as_ref();
    let agrees = [
        ("round_hash", row.round_hash == facts.round_hash),
        ("document", row.document == LoggedBytes::of(&facts.document)),
        ("root", row.root == Some(facts.root)),
        ("payout_pool", row.payout_pool == terms.map(|terms| terms.pool)),
        ("payout_policy", row.payout_policy == terms.map(|terms| terms.policy)),
        ("payout_asset", row.payout_asset == terms.map(PayoutTerms::asset)),
        ("min_reputation_ppm", row.min_reputation_ppm == facts.min_reputation_ppm),
    ];
    if row.state != RoundState::Published {
        let fault = RecordFault::State { state: row.state.to_string() };
        return Err(Finding::new(Place::RoundColumn { column: "state" }, fault));
    }
    match agrees.iter().find(|(_, agrees)| !agrees) {
        None => Ok(()),
        Some(&(column, _)) => Err(Finding::new(Place::RoundColumn { column }, RecordFault::OtherColumn)),
    }
}

fn check_members(record: &Record, facts: &RoundFacts) -> Result<(), Finding> {
    let mut rows: Vec<&MemberRow> = record.members.of(&facts.round_id).iter().collect();
    rows.sort_by_key(|row| row.index);
    if rows.len() != facts.members.len() {
        let fault = RecordFault::Members { logged: rows.len(), published: facts.members.len() };
        return Err(Finding::new(Place::Members, fault));
    }
    for (index, (row, member)) in (0..).zip(rows.into_iter().zip(&facts.members)) {
        let same = row.index == index
            && row.contribution_id == member.contribution_id
            && row.header_hash == member.header_hash;
        if !same {
            return Err(Finding::new(Place::Member { index }, RecordFault::Other));
        }
    }
    Ok(())
}

/// Checks that each member was received under its header in the bundle and ended in the sum. No
/// other contribution to the round may have ended in the sum.
fn check_contributions(record: &Record, facts: &RoundFacts) -> Result<(), Finding> {
    let rows = record.contributions.of(&facts.round_id);
    let mut states: HashMap<ContributionId, Vec<&ContributionRow>> = HashMap::new();
    for row in rows {
        states.entry(row.contribution_id).or_default().push(row);
    }
    for member in &facts.members {
        let wrong = |fault| Finding::new(Place::Contribution(member.contribution_id), fault);
        let states = states.remove(&member.contribution_id).ok_or_else(|| wrong(RecordFault::Missing))?;
        if states.iter().any(|row| row.header_hash != member.header_hash || row.subject != member.subject) {
            return Err(wrong(RecordFault::OtherHeader));
        }
        if states.last().is_none_or(|row| row.state != ContributionState::Included) {
            return Err(wrong(RecordFault::NotIncluded));
        }
    }
    let is_stray = |row: &&ContributionRow| {
        row.state == ContributionState::Included && states.contains_key(&row.contribution_id)
    };
    match rows.iter().find(is_stray) {
        None => Ok(()),
        Some(row) => Err(Finding::new(Place::Contribution(row.contribution_id), RecordFault::InNoSet)),
    }
}

fn check_answers(record: &Record, facts: &RoundFacts) -> Result<(), Finding> {
    let rows = record.answers.of(&facts.round_id);
    for (holder, answer) in (0..).zip(&facts.answers) {
        let row = rows.iter().find(|row| row.holder == holder);
        if row.is_none_or(|row| row.answer != LoggedBytes::of(answer)) {
            return Err(Finding::new(Place::Answer { holder }, RecordFault::Other));
        }
    }
    if rows.len() != facts.answers.len() {
        return Err(Finding::new(Place::Answers, RecordFault::MoreAnswers));
    }
    Ok(())
}
