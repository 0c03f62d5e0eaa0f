//! A round's bundle against the log: the same document, set, answers and result, and what they earned.

use std::collections::HashMap;

use names::{ContributionId, HeaderHash, RoundHash, RoundId, SetRoot};
use protocol::PayoutTerms;
use sha2::{Digest, Sha256};

use super::{
    earnings::{check_payouts, policy_name},
    record::{ContributionRow, MemberRow, Record, RoundRow},
    wrong,
};
use crate::error::Result;

/// A member of the set, from its signed header.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) contribution_id: ContributionId,
    pub(super) header_hash: HeaderHash,
    pub(super) subject: String,
    pub(super) weight: u32,
}

/// What a bundle says, once its signatures are checked.
#[derive(Debug, Clone)]
pub(super) struct BundleFacts {
    pub(super) round_id: RoundId,
    pub(super) round_hash: RoundHash,
    pub(super) document: Vec<u8>,
    pub(super) root: SetRoot,
    pub(super) terms: Option<PayoutTerms>,
    pub(super) min_reputation_ppm: u32,
    /// In the order of the root.
    pub(super) members: Vec<Member>,
    /// By holder.
    pub(super) answers: Vec<Vec<u8>>,
    pub(super) result: Vec<u8>,
}

/// Compares everything that the log has of the round. Returns whether it says what was paid, which happens after the result.
pub(super) fn check_round(record: &Record, facts: &BundleFacts) -> Result<bool> {
    let id = facts.round_id.to_string();
    let row = record.rounds.get(&id).ok_or_else(|| wrong("round", "is not in the log"))?;
    check_row(row, facts)?;
    check_members(record, facts, &id)?;
    check_contributions(record, facts, &id)?;
    check_answers(record, facts, &id)?;
    if record.results.of(&id).first().is_none_or(|row| row.result != logged(&facts.result)) {
        return Err(wrong("result", "is not the one in the log"));
    }
    check_payouts(record, row, facts)
}

/// Bytes as the log names them: at most 32 in hexadecimal, more by their SHA-256.
pub(super) fn logged(bytes: &[u8]) -> String {
    if bytes.len() <= 32 {
        hex::encode(bytes)
    } else {
        format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
    }
}

fn check_row(row: &RoundRow, facts: &BundleFacts) -> Result<()> {
    let terms = facts.terms.as_ref();
    let agrees = [
        ("round_hash", row.round_hash == facts.round_hash.to_string()),
        ("document", row.document == logged(&facts.document)),
        ("root", row.root == Some(facts.root.to_string())),
        ("payout_pool", row.payout_pool == terms.map(|terms| terms.pool.to_string())),
        ("payout_policy", row.payout_policy.as_deref() == terms.map(policy_name)),
        ("payout_asset", row.payout_asset == terms.map(asset)),
        ("min_reputation_ppm", row.min_reputation_ppm == facts.min_reputation_ppm),
    ];
    if row.state != "published" {
        let what =
            format!("is {}, says the log: if the round has only just ended, fetch it again", row.state);
        return Err(wrong("round, state", what));
    }
    match agrees.iter().find(|(_, agrees)| !agrees) {
        None => Ok(()),
        Some((column, _)) => Err(wrong(&format!("round, {column}"), "is not what the log says")),
    }
}

/// What a round pays in: a token by its CAIP-19 name, or points.
fn asset(terms: &PayoutTerms) -> String {
    terms.token.map_or_else(
        || "points".to_owned(),
        |token| format!("eip155:{}/erc20:0x{}", token.chain_id, hex::encode(token.contract.to_bytes())),
    )
}

fn check_members(record: &Record, facts: &BundleFacts, id: &str) -> Result<()> {
    let mut rows: Vec<&MemberRow> = record.members.of(id).iter().collect();
    rows.sort_by_key(|row| row.index);
    if rows.len() != facts.members.len() {
        let what = format!("the log has {} and the bundle {}", rows.len(), facts.members.len());
        return Err(wrong("members", what));
    }
    for (index, (row, member)) in (0..).zip(rows.into_iter().zip(&facts.members)) {
        let same = row.index == index
            && row.contribution_id == member.contribution_id.to_string()
            && row.header_hash == member.header_hash.to_string();
        if !same {
            return Err(wrong(&format!("member {index}"), "is not the one in the log"));
        }
    }
    Ok(())
}

/// Members were received under the header of the bundle and ended in the sum; nobody else of the round did.
fn check_contributions(record: &Record, facts: &BundleFacts, id: &str) -> Result<()> {
    let mut states: HashMap<&str, Vec<&ContributionRow>> = HashMap::new();
    for row in record.contributions.of(id) {
        states.entry(&row.contribution_id).or_default().push(row);
    }
    for member in &facts.members {
        let name = member.contribution_id.to_string();
        let at = format!("contribution {name}");
        let states = states.remove(name.as_str()).ok_or_else(|| wrong(&at, "is not in the log"))?;
        let header_hash = member.header_hash.to_string();
        if states.iter().any(|row| row.header_hash != header_hash || row.subject != member.subject) {
            return Err(wrong(&at, "is in the log with another header"));
        }
        if states.last().is_none_or(|row| row.state != "included") {
            return Err(wrong(&at, "is not included, says the log"));
        }
    }
    match record
        .contributions
        .of(id)
        .iter()
        .find(|row| row.state == "included" && states.contains_key(row.contribution_id.as_str()))
    {
        None => Ok(()),
        Some(row) => Err(wrong(
            &format!("contribution {}", row.contribution_id),
            "is included, says the log, but in no set",
        )),
    }
}

fn check_answers(record: &Record, facts: &BundleFacts, id: &str) -> Result<()> {
    let rows = record.answers.of(id);
    for (holder, answer) in (0u64..).zip(&facts.answers) {
        if rows.iter().find(|row| row.holder == holder).is_none_or(|row| row.answer != logged(answer)) {
            return Err(wrong(&format!("answer of holder {holder}"), "is not the one in the log"));
        }
    }
    if rows.len() != facts.answers.len() {
        return Err(wrong("answers", "there are more in the log"));
    }
    Ok(())
}
