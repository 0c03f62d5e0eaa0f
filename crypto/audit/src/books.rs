//! The books in the log: every transfer balances, a round's pool went to those who earned it,
//! nobody is overdrawn, and every batch is the tree that its root says.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ledger::payout_tree::{Payment, PayoutTree, merge};
use names::{RoundId, Subject};
use protocol::Asset;

use crate::{
    Finding, Place,
    amount::Movement,
    book_ids::{AccountId, BatchId},
    finding::{BooksFault, Fault},
    record::Record,
    rows::{AccountKind, AccountRow, AddressRow, BatchRow, LineRow, PostingRow, TransferKind, TransferRow},
};

/// The numbers of transfers and batches in books that were found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// The number of transfers.
    pub transfers: usize,
    /// The number of batches.
    pub batches: usize,
}

/// The units that were added to an account or a transfer, and the units that were taken.
#[derive(Debug, Default, Clone, Copy)]
struct Balance {
    added: u128,
    taken: u128,
}

impl Balance {
    fn post(&mut self, movement: Movement) -> Result<(), BooksFault> {
        let (side, units) = match movement {
            Movement::Added(units) => (&mut self.added, units),
            Movement::Taken(units) => (&mut self.taken, units),
        };
        *side = side.checked_add(units).ok_or(BooksFault::Overflow)?;
        Ok(())
    }
}

/// Checks all books.
pub(crate) fn check_books(record: &Record) -> Result<Books, Finding> {
    let mut postings = record.postings.groups();
    if let Some((&transfer, _)) = postings.find(|(id, _)| !record.transfers.contains_key(id)) {
        return Err(Finding::new(Place::Postings { transfer }, BooksFault::NoTransfer));
    }
    let mut accounts = HashMap::new();
    for transfer in record.transfers.values() {
        check_transfer(record, transfer, &mut accounts).map_err(|fault| wrong_transfer(transfer, fault))?;
    }
    check_links(record)?;
    let handing: HashMap<BatchId, &TransferRow> =
        record.transfers.values().filter_map(|transfer| Some((transfer.batch_id?, transfer))).collect();
    for batch in record.batches.values() {
        check_batch(record, batch, handing.get(&batch.batch_id).copied())?;
    }
    Ok(Books { transfers: record.transfers.len(), batches: record.batches.len() })
}

fn wrong_transfer(transfer: &TransferRow, fault: BooksFault) -> Finding {
    Finding::new(Place::Transfer { transfer: transfer.transfer_id }, fault)
}

/// Checks that every line and transfer belongs to a batch of the log, and that the payouts of every
/// round are posted.
fn check_links(record: &Record) -> Result<(), Finding> {
    let is_missing = |batch: &BatchId| !record.batches.contains_key(batch);
    if let Some((&batch, _)) = record.lines.groups().find(|(id, _)| is_missing(id)) {
        return Err(Finding::new(Place::Lines { batch }, BooksFault::NoBatch));
    }
    let mut transfers = record.transfers.values();
    if let Some(stray) = transfers.find(|transfer| transfer.batch_id.as_ref().is_some_and(is_missing)) {
        return Err(wrong_transfer(stray, BooksFault::NoBatch));
    }
    let posted = check_kinds(record)?;
    match record.payouts.groups().find(|(round, _)| !posted.contains(round)) {
        None => Ok(()),
        Some((&round, _)) => Err(Finding::new(Place::PayoutsOf { round }, BooksFault::NotPosted)),
    }
}

/// Checks that a round is paid once, that a batch is handed over once, and that nothing else is
/// posted. Returns the paid rounds.
fn check_kinds(record: &Record) -> Result<HashSet<RoundId>, Finding> {
    let (mut rounds, mut batches) = (HashSet::new(), HashSet::new());
    for transfer in record.transfers.values() {
        let first = match (transfer.kind, transfer.round_id, transfer.batch_id) {
            (TransferKind::Round, Some(round_id), None) => rounds.insert(round_id),
            (TransferKind::Batch, _, Some(batch_id)) => batches.insert(batch_id),
            _ => return Err(wrong_transfer(transfer, BooksFault::Purpose)),
        };
        if !first {
            return Err(wrong_transfer(transfer, BooksFault::PostedBefore));
        }
    }
    Ok(rounds)
}

fn check_transfer(
    record: &Record,
    transfer: &TransferRow,
    accounts: &mut HashMap<AccountId, Balance>,
) -> Result<(), BooksFault> {
    let mut total = Balance::default();
    let mut earned: BTreeMap<&Subject, Movement> = BTreeMap::new();
    for posting in record.postings.of(&transfer.transfer_id) {
        let account = account(record, posting)?;
        if account.asset != transfer.asset {
            return Err(BooksFault::OtherAsset { moved: transfer.asset, counted: account.asset });
        }
        total.post(posting.amount)?;
        let balance = accounts.entry(account.account_id).or_default();
        balance.post(posting.amount)?;
        if account.kind != AccountKind::Treasury && balance.taken > balance.added {
            return Err(BooksFault::Overdrawn { account: account.account_id });
        }
        if let Some(subject) = &account.subject {
            earned.insert(subject, posting.amount);
        }
    }
    let Balance { added, taken } = total;
    if added != taken || added == 0 {
        return Err(BooksFault::Unbalanced { added, taken });
    }
    match transfer.kind {
        TransferKind::Round => check_round_transfer(record, transfer, &earned),
        _ => Ok(()),
    }
}

/// Checks that the pool of a round goes to its payouts, and to nobody else.
fn check_round_transfer(
    record: &Record,
    transfer: &TransferRow,
    earned: &BTreeMap<&Subject, Movement>,
) -> Result<(), BooksFault> {
    let round_id = transfer.round_id.ok_or(BooksFault::NoRound)?;
    let payouts = record.payouts.of(&round_id).iter().filter(|row| row.amount != 0);
    let due: BTreeMap<_, _> = payouts.map(|row| (&row.subject, Movement::Added(row.amount))).collect();
    if due == *earned { Ok(()) } else { Err(BooksFault::OtherPayouts) }
}

fn check_batch(record: &Record, batch: &BatchRow, transfer: Option<&TransferRow>) -> Result<(), Finding> {
    let wrong = |fault: Fault| Finding::new(Place::Batch { batch: batch.batch_id }, fault);
    let lines = record.lines.of(&batch.batch_id);
    let payments = lines.iter().map(|line| payment(record, batch, line)).collect::<Result<Vec<_>, _>>()?;
    let total = lines.iter().try_fold(0u128, |sum, line| sum.checked_add(line.amount));
    let total = total.ok_or_else(|| wrong(BooksFault::Overflow.into()))?;
    if lines.len() != batch.lines || total != batch.total {
        return Err(wrong(BooksFault::OtherTotal.into()));
    }
    let tree = merge(payments).and_then(PayoutTree::new).map_err(|error| wrong(error.into()))?;
    if tree.root() != batch.root {
        return Err(wrong(BooksFault::OtherRoot.into()));
    }
    let transfer = transfer.ok_or_else(|| wrong(BooksFault::NotHandedOver.into()))?;
    let mut taken = BTreeSet::new();
    for posting in record.postings.of(&transfer.transfer_id) {
        let account = account(record, posting).map_err(|fault| wrong(fault.into()))?;
        taken.extend(account.subject.as_ref().map(|subject| (subject, posting.amount)));
    }
    let handed: BTreeSet<_> =
        lines.iter().map(|line| (&line.subject, Movement::Taken(line.amount))).collect();
    if taken == handed { Ok(()) } else { Err(wrong(BooksFault::OtherLines.into())) }
}

/// Turns a line into a payment. Checks that its participant has signed the address for this chain.
fn payment(record: &Record, batch: &BatchRow, line: &LineRow) -> Result<Payment, Finding> {
    let wrong = |fault| {
        let at = Place::Line { batch: batch.batch_id, subject: line.subject.clone() };
        Finding::new(at, fault)
    };
    let Asset::Token(token) = batch.asset else { return Err(wrong(BooksFault::NoChain)) };
    let address = line.address;
    let named = AddressRow { subject: line.subject.clone(), chain_id: token.chain_id, address };
    if !record.addresses.contains(&named) {
        return Err(wrong(BooksFault::OtherAddress));
    }
    Ok(Payment { address, amount: line.amount })
}

fn account<'a>(record: &'a Record, posting: &PostingRow) -> Result<&'a AccountRow, BooksFault> {
    let account = posting.account_id;
    record.accounts.get(&account).ok_or(BooksFault::NoAccount { account })
}
