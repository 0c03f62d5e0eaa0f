//! The books in the log: every transfer balances, a round's pool went to those who earned it, nobody is overdrawn, and every
//! batch is the tree that its root says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ledger::payout_tree::{Address, Payment, PayoutTree, merge};

use super::{
    record::{AccountRow, AddressRow, BatchRow, LineRow, PostingRow, Record, TransferRow},
    wrong,
};
use crate::error::Result;

/// What was added to something, and what was taken.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Balance {
    added: u128,
    taken: u128,
}

impl Balance {
    fn post(&mut self, at: &str, amount: &str) -> Result<()> {
        let (side, digits) = match amount.strip_prefix('-') {
            Some(digits) => (&mut self.taken, digits),
            None => (&mut self.added, amount),
        };
        *side = side.checked_add(number(at, digits)?).ok_or_else(|| wrong(at, "exceeds 2^128 units"))?;
        Ok(())
    }
}

/// Checks all books; returns the number of transfers and of batches.
pub(super) fn check_books(record: &Record) -> Result<(usize, usize)> {
    if let Some((stray, _)) = record.postings.groups().find(|(id, _)| !record.transfers.contains_key(id)) {
        return Err(wrong(&format!("postings of transfer {stray}"), "the transfer is not in the log"));
    }
    let mut accounts: HashMap<i64, Balance> = HashMap::new();
    for transfer in record.transfers.values() {
        check_transfer(record, transfer, &mut accounts)?;
    }
    check_links(record)?;
    let handing: HashMap<i64, &TransferRow> =
        record.transfers.values().filter_map(|transfer| Some((transfer.batch_id?, transfer))).collect();
    for batch in record.batches.values() {
        check_batch(record, batch, handing.get(&batch.batch_id).copied())?;
    }
    Ok((record.transfers.len(), record.batches.len()))
}

/// Nothing is about a batch that is not there, and what a round pays is posted.
fn check_links(record: &Record) -> Result<()> {
    let missing = "the batch is not in the log";
    if let Some((stray, _)) = record.lines.groups().find(|(id, _)| !record.batches.contains_key(id)) {
        return Err(wrong(&format!("lines of batch {stray}"), missing));
    }
    let is_stray =
        |transfer: &&TransferRow| transfer.batch_id.is_some_and(|id| !record.batches.contains_key(&id));
    if let Some(stray) = record.transfers.values().find(is_stray) {
        return Err(wrong(&format!("transfer {}", stray.transfer_id), missing));
    }
    let posted = check_kinds(record)?;
    match record.payouts.groups().find(|(round, _)| !posted.contains(round.as_str())) {
        None => Ok(()),
        Some((round, _)) => Err(wrong(&format!("payouts of round {round}"), "no transfer posts them")),
    }
}

/// A round is paid once, a batch handed over once, and nothing else is posted; the rounds that are paid.
fn check_kinds(record: &Record) -> Result<HashSet<&str>> {
    let (mut rounds, mut batches) = (HashSet::new(), HashSet::new());
    for transfer in record.transfers.values() {
        let at = format!("transfer {}", transfer.transfer_id);
        let TransferRow { kind, round_id, batch_id, .. } = transfer;
        let first = match (kind.as_str(), round_id, batch_id) {
            ("round", Some(round_id), None) => rounds.insert(round_id.as_str()),
            ("batch", _, Some(batch_id)) => batches.insert(*batch_id),
            _ => return Err(wrong(&at, "is neither a round's payout nor a batch's handing over")),
        };
        if !first {
            return Err(wrong(&at, "was posted before"));
        }
    }
    Ok(rounds)
}

fn check_transfer(
    record: &Record,
    transfer: &TransferRow,
    accounts: &mut HashMap<i64, Balance>,
) -> Result<()> {
    let at = format!("transfer {}", transfer.transfer_id);
    let mut total = Balance::default();
    let mut earned: BTreeMap<&str, &str> = BTreeMap::new();
    for posting in record.postings.of(&transfer.transfer_id) {
        let account = account(record, &at, posting)?;
        if account.asset != transfer.asset {
            return Err(wrong(&at, format!("moves {} to an account of {}", transfer.asset, account.asset)));
        }
        total.post(&at, &posting.amount)?;
        let balance = accounts.entry(account.account_id).or_default();
        balance.post(&at, &posting.amount)?;
        if account.kind != "treasury" && balance.taken > balance.added {
            return Err(wrong(&at, format!("overdraws account {}", account.account_id)));
        }
        if let Some(subject) = &account.subject {
            earned.insert(subject, &posting.amount);
        }
    }
    if total.added != total.taken || total.added == 0 {
        return Err(wrong(&at, format!("adds {} and takes {}", total.added, total.taken)));
    }
    if transfer.kind == "round" { check_round_transfer(record, &at, transfer, &earned) } else { Ok(()) }
}

/// The pool of a round goes to its payouts, and to nobody else.
fn check_round_transfer(
    record: &Record,
    at: &str,
    transfer: &TransferRow,
    earned: &BTreeMap<&str, &str>,
) -> Result<()> {
    let round_id = transfer.round_id.as_ref().ok_or_else(|| wrong(at, "is of no round"))?;
    let payouts = record.payouts.of(round_id).iter().filter(|row| row.amount != "0");
    let due: BTreeMap<&str, &str> = payouts.map(|row| (row.subject.as_str(), row.amount.as_str())).collect();
    if due == *earned { Ok(()) } else { Err(wrong(at, "is not what the round's payouts say")) }
}

fn check_batch(record: &Record, batch: &BatchRow, transfer: Option<&TransferRow>) -> Result<()> {
    let at = format!("batch {}", batch.batch_id);
    let lines = record.lines.of(&batch.batch_id);
    let mut total = Balance::default();
    let mut payments = Vec::with_capacity(lines.len());
    for line in lines {
        total.post(&at, &line.amount)?;
        payments.push(payment(record, batch, line)?);
    }
    if lines.len() != batch.lines || total.added.to_string() != batch.total {
        return Err(wrong(&at, "its lines are not as many, or not as much, as it says"));
    }
    let tree = merge(payments).and_then(PayoutTree::new).map_err(|error| wrong(&at, error))?;
    if hex::encode(tree.root()) != batch.root {
        return Err(wrong(&at, "its root is not that of its lines"));
    }
    let transfer = transfer.ok_or_else(|| wrong(&at, "no transfer hands it over"))?;
    let mut taken = BTreeSet::new();
    for posting in record.postings.of(&transfer.transfer_id) {
        if let Some(subject) = &account(record, &at, posting)?.subject {
            taken.insert((subject.as_str(), posting.amount.clone()));
        }
    }
    let handed: BTreeSet<_> =
        lines.iter().map(|line| (line.subject.as_str(), format!("-{}", line.amount))).collect();
    if taken == handed { Ok(()) } else { Err(wrong(&at, "its transfer is not what its lines say")) }
}

/// A line as a leaf, at an address of which its participant has said that it is its own.
fn payment(record: &Record, batch: &BatchRow, line: &LineRow) -> Result<Payment> {
    let at = format!("batch {}, line of {}", batch.batch_id, line.subject);
    let chain = batch.asset.strip_prefix("eip155:").and_then(|rest| rest.split_once('/'));
    let chain_id =
        chain.and_then(|(chain, _)| chain.parse().ok()).ok_or_else(|| wrong(&at, "is of no chain"))?;
    let claim = AddressRow { subject: line.subject.clone(), chain_id, address: line.address.clone() };
    if !record.addresses.contains(&claim) {
        return Err(wrong(&at, "the participant has not named this address"));
    }
    let mut address = [0; 20];
    hex::decode_to_slice(&line.address, &mut address).map_err(|_| wrong(&at, "its address is not one"))?;
    Ok(Payment { address: Address::from_bytes(address), amount: number(&at, &line.amount)? })
}

fn account<'a>(record: &'a Record, at: &str, posting: &PostingRow) -> Result<&'a AccountRow> {
    record
        .accounts
        .get(&posting.account_id)
        .ok_or_else(|| wrong(at, format!("account {} is not in the log", posting.account_id)))
}

fn number(at: &str, digits: &str) -> Result<u128> {
    digits.parse().map_err(|_| wrong(at, format!("`{digits}` is no amount")))
}
