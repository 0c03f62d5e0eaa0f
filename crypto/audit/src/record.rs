//! The rows that the entries of the log record, table by table.

use std::collections::{BTreeMap, HashMap, HashSet};

use names::RoundId;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Finding, Place,
    book_ids::{AccountId, BatchId, TransferId},
    finding::LogFault,
    rows::{
        AccountRow, AddressRow, AnswerRow, BatchRow, ContributionRow, LineRow, MemberRow, PayoutRow,
        PostingRow, ResultRow, RoundRow, TransferRow,
    },
};

/// Tables whose rows change. A row of any other table has one entry.
const CHANGING: [&str; 3] = ["participants", "rounds", "contributions"];

/// The rows that an audit of rounds and payouts looks at, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The latest row of each round.
    pub(crate) rounds: HashMap<RoundId, RoundRow>,
    /// Every state of every contribution, by round.
    pub(crate) contributions: Grouped<RoundId, ContributionRow>,
    /// The members by round. Answers, results and payouts are by round too.
    pub(crate) members: Grouped<RoundId, MemberRow>,
    pub(crate) answers: Grouped<RoundId, AnswerRow>,
    pub(crate) results: Grouped<RoundId, ResultRow>,
    pub(crate) payouts: Grouped<RoundId, PayoutRow>,
    pub(crate) accounts: HashMap<AccountId, AccountRow>,
    pub(crate) transfers: BTreeMap<TransferId, TransferRow>,
    /// By transfer.
    pub(crate) postings: Grouped<TransferId, PostingRow>,
    pub(crate) batches: BTreeMap<BatchId, BatchRow>,
    /// By batch.
    pub(crate) lines: Grouped<BatchId, LineRow>,
    pub(crate) addresses: HashSet<AddressRow>,
    seen: HashSet<(String, String)>,
}

/// Rows in groups, such as the rows of one round.
#[derive(Debug)]
pub(crate) struct Grouped<K, T>(BTreeMap<K, Vec<T>>);

impl<K, T> Default for Grouped<K, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, T> Grouped<K, T> {
    fn add(&mut self, group: K, row: T) {
        self.0.entry(group).or_default().push(row);
    }

    /// The rows of this group, in the order of the log.
    pub(crate) fn of(&self, group: &K) -> &[T] {
        self.0.get(group).map_or(&[], Vec::as_slice)
    }

    /// The groups.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&K, &[T])> {
        self.0.iter().map(|(group, rows)| (group, rows.as_slice()))
    }
}

/// An entry of the log.
#[derive(Debug, Deserialize)]
struct Entry {
    table: String,
    key: String,
    row: Value,
}

impl Record {
    /// Takes the entry with this index. Entries of other tables are ignored.
    pub(crate) fn add(&mut self, index: u64, payload: &str) -> Result<(), Finding> {
        let wrong = |fault| Finding::new(Place::Entry { index }, fault);
        let Entry { table, key, row } =
            serde_json::from_str(payload).map_err(|error| wrong(LogFault::NotAnEntry(error)))?;
        if !CHANGING.contains(&table.as_str()) && !self.seen.insert((table.clone(), key.clone())) {
            return Err(wrong(LogFault::Repeated { table, key }));
        }
        self.add_row(&table, row).map_err(|error| wrong(LogFault::Row(error)))
    }

    fn add_row(&mut self, table: &str, row: Value) -> Result<(), serde_json::Error> {
        match table {
            "rounds" => {
                let row: RoundRow = read(row)?;
                self.rounds.insert(row.round_id, row);
            }
            "contributions" => add(&mut self.contributions, row, |row| row.round_id)?,
            "round_members" => add(&mut self.members, row, |row| row.round_id)?,
            "release_answers" => add(&mut self.answers, row, |row| row.round_id)?,
            "results" => add(&mut self.results, row, |row| row.round_id)?,
            "payouts" => add(&mut self.payouts, row, |row| row.round_id)?,
            "accounts" => {
                let row: AccountRow = read(row)?;
                self.accounts.insert(row.account_id, row);
            }
            "transfers" => {
                let row: TransferRow = read(row)?;
                self.transfers.insert(row.transfer_id, row);
            }
            "postings" => add(&mut self.postings, row, |row| row.transfer_id)?,
            "payout_batches" => {
                let row: BatchRow = read(row)?;
                self.batches.insert(row.batch_id, row);
            }
            "payout_lines" => add(&mut self.lines, row, |row| row.batch_id)?,
            "claim_addresses" => drop(self.addresses.insert(read(row)?)),
            _ => {}
        }
        Ok(())
    }
}

fn add<K: Ord, T: DeserializeOwned>(
    rows: &mut Grouped<K, T>,
    row: Value,
    group: impl Fn(&T) -> K,
) -> Result<(), serde_json::Error> {
    let row = read(row)?;
    rows.add(group(&row), row);
    Ok(())
}

fn read<T: DeserializeOwned>(row: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(row)
}

/// Whether an entry of the log says that this round is published. After it, the log has everything
/// about the round but its payouts.
pub fn publishes(payload: &str, round: RoundId) -> bool {
    serde_json::from_str(payload).is_ok_and(|Entry { table, key, row }| {
        table == "rounds" && key == round.to_string() && row["state"] == "published"
    })
}
