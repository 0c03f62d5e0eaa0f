//! What the entries of the log say, table by table. An entry is JSON with a table, a key and a row, as `docs/audit.md`
//! describes.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap, HashSet},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::wrong;
use crate::error::Result;

/// Tables whose rows change; a row of any other has one entry.
const CHANGING: [&str; 3] = ["participants", "rounds", "contributions"];

/// The rows that an audit of rounds and payouts looks at, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// By identifier, as it was last.
    pub(super) rounds: HashMap<String, RoundRow>,
    /// Every state of every contribution, by round.
    pub(super) contributions: Grouped<String, ContributionRow>,
    /// By round, as are answers, results and payouts.
    pub(super) members: Grouped<String, MemberRow>,
    pub(super) answers: Grouped<String, AnswerRow>,
    pub(super) results: Grouped<String, ResultRow>,
    pub(super) payouts: Grouped<String, PayoutRow>,
    pub(super) accounts: HashMap<i64, AccountRow>,
    pub(super) transfers: BTreeMap<i64, TransferRow>,
    /// By transfer.
    pub(super) postings: Grouped<i64, PostingRow>,
    pub(super) batches: BTreeMap<i64, BatchRow>,
    /// By batch.
    pub(super) lines: Grouped<i64, LineRow>,
    pub(super) addresses: HashSet<AddressRow>,
    seen: HashSet<(String, String)>,
}

/// Rows by what they belong to.
#[derive(Debug)]
pub(super) struct Grouped<K, T>(BTreeMap<K, Vec<T>>);

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
    pub(super) fn of<Q: Ord + ?Sized>(&self, group: &Q) -> &[T]
    where
        K: Borrow<Q>,
    {
        self.0.get(group).map_or(&[], Vec::as_slice)
    }

    /// The groups.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&K, &[T])> {
        self.0.iter().map(|(group, rows)| (group, rows.as_slice()))
    }
}

#[derive(Debug, Deserialize)]
struct Entry {
    table: String,
    key: String,
    row: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RoundRow {
    pub(super) round_id: String,
    pub(super) round_hash: String,
    pub(super) document: String,
    pub(super) state: String,
    pub(super) root: Option<String>,
    pub(super) created_at: i64,
    /// Absent in entries from before rounds were numbered; a later entry has it.
    pub(super) sequence: Option<u64>,
    pub(super) payout_pool: Option<String>,
    pub(super) payout_policy: Option<String>,
    pub(super) payout_asset: Option<String>,
    #[serde(default)]
    pub(super) min_reputation_ppm: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ContributionRow {
    pub(super) round_id: String,
    pub(super) contribution_id: String,
    pub(super) header_hash: String,
    pub(super) subject: String,
    pub(super) state: String,
    pub(super) changed_at: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct MemberRow {
    pub(super) round_id: String,
    pub(super) index: u64,
    pub(super) contribution_id: String,
    pub(super) header_hash: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct AnswerRow {
    pub(super) round_id: String,
    pub(super) holder: u64,
    pub(super) answer: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ResultRow {
    pub(super) round_id: String,
    pub(super) result: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct PayoutRow {
    pub(super) round_id: String,
    pub(super) contribution_id: String,
    pub(super) subject: String,
    pub(super) weight: u32,
    pub(super) score_ppm: u32,
    pub(super) reputation_ppm: u32,
    pub(super) amount: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct AccountRow {
    pub(super) account_id: i64,
    pub(super) kind: String,
    pub(super) subject: Option<String>,
    pub(super) asset: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct TransferRow {
    pub(super) transfer_id: i64,
    pub(super) kind: String,
    pub(super) round_id: Option<String>,
    pub(super) batch_id: Option<i64>,
    pub(super) asset: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct PostingRow {
    pub(super) transfer_id: i64,
    pub(super) account_id: i64,
    pub(super) amount: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct BatchRow {
    pub(super) batch_id: i64,
    pub(super) asset: String,
    pub(super) root: String,
    pub(super) lines: usize,
    pub(super) total: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct LineRow {
    pub(super) batch_id: i64,
    pub(super) subject: String,
    pub(super) address: String,
    pub(super) amount: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub(super) struct AddressRow {
    pub(super) subject: String,
    pub(super) chain_id: u64,
    pub(super) address: String,
}

impl Record {
    /// Takes the entry with this index. Entries of other tables are passed over.
    pub(super) fn add(&mut self, index: u64, payload: &str) -> Result<()> {
        let at = format!("log entry {index}");
        let Entry { table, key, row } =
            serde_json::from_str(payload).map_err(|error| wrong(&at, format!("is no entry: {error}")))?;
        if !CHANGING.contains(&table.as_str()) && !self.seen.insert((table.clone(), key.clone())) {
            return Err(wrong(
                &at,
                format!("{table} {key} is in the log already, and its rows never change"),
            ));
        }
        match table.as_str() {
            "rounds" | "contributions" | "round_members" | "release_answers" | "results" => {
                self.add_of_round(&at, &table, row)
            }
            _ => self.add_of_books(&at, &table, row),
        }
    }

    fn add_of_round(&mut self, at: &str, table: &str, row: Value) -> Result<()> {
        match table {
            "rounds" => {
                let row: RoundRow = read(at, row)?;
                self.rounds.insert(row.round_id.clone(), row);
            }
            "contributions" => {
                let row: ContributionRow = read(at, row)?;
                self.contributions.add(row.round_id.clone(), row);
            }
            "round_members" => {
                let row: MemberRow = read(at, row)?;
                self.members.add(row.round_id.clone(), row);
            }
            "release_answers" => {
                let row: AnswerRow = read(at, row)?;
                self.answers.add(row.round_id.clone(), row);
            }
            "results" => {
                let row: ResultRow = read(at, row)?;
                self.results.add(row.round_id.clone(), row);
            }
            _ => {}
        }
        Ok(())
    }

    fn add_of_books(&mut self, at: &str, table: &str, row: Value) -> Result<()> {
        match table {
            "payouts" => {
                let row: PayoutRow = read(at, row)?;
                self.payouts.add(row.round_id.clone(), row);
            }
            "accounts" => {
                let row: AccountRow = read(at, row)?;
                self.accounts.insert(row.account_id, row);
            }
            "transfers" => {
                let row: TransferRow = read(at, row)?;
                self.transfers.insert(row.transfer_id, row);
            }
            "postings" => {
                let row: PostingRow = read(at, row)?;
                self.postings.add(row.transfer_id, row);
            }
            "payout_batches" => {
                let row: BatchRow = read(at, row)?;
                self.batches.insert(row.batch_id, row);
            }
            "payout_lines" => {
                let row: LineRow = read(at, row)?;
                self.lines.add(row.batch_id, row);
            }
            "claim_addresses" => {
                self.addresses.insert(read(at, row)?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether an entry says that this round is published.
pub(super) fn is_end_of(payload: &str, round_id: &str) -> bool {
    serde_json::from_str(payload).is_ok_and(|Entry { table, key, row }| {
        table == "rounds" && key == round_id && row["state"] == "published"
    })
}

fn read<T: DeserializeOwned>(at: &str, row: Value) -> Result<T> {
    serde_json::from_value(row).map_err(|error| wrong(at, format!("has another row than its table: {error}")))
}
