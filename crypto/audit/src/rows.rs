//! The rows of the record that an audit looks at, as the log's entries write them
//! (`docs/audit.md`).

use std::{borrow::Cow, fmt, str::FromStr};

use ledger::{payout::Policy, payout_tree::Address};
use names::{ContributionId, HeaderHash, RoundHash, RoundId, SetRoot, Subject, TreeHash, decode_hex};
use protocol::Asset;
use serde::{Deserialize, Deserializer, de::Error};
use sha2::{Digest, Sha256};

use crate::{
    amount::{self, Movement},
    book_ids::{AccountId, BatchId, TransferId},
};

/// A row of `rounds`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RoundRow {
    pub(crate) round_id: RoundId,
    pub(crate) round_hash: RoundHash,
    pub(crate) document: LoggedBytes,
    pub(crate) state: RoundState,
    pub(crate) root: Option<SetRoot>,
    #[serde(rename = "created_at")]
    pub(crate) created_at_us: i64,
    /// Absent in entries that are older than the numbering of rounds. A later entry has it.
    pub(crate) sequence: Option<u64>,
    #[serde(default, deserialize_with = "optional_amount")]
    pub(crate) payout_pool: Option<u128>,
    #[serde(default, deserialize_with = "optional_text")]
    pub(crate) payout_policy: Option<Policy>,
    #[serde(default, deserialize_with = "optional_text")]
    pub(crate) payout_asset: Option<Asset>,
    #[serde(default)]
    pub(crate) min_reputation_ppm: u32,
}

/// The states of a round that an audit tells apart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoundState {
    Published,
    #[serde(untagged)]
    Other(String),
}

impl fmt::Display for RoundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published => f.write_str("published"),
            Self::Other(state) => f.write_str(state),
        }
    }
}

/// A row of `contributions`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ContributionRow {
    pub(crate) round_id: RoundId,
    pub(crate) contribution_id: ContributionId,
    pub(crate) header_hash: HeaderHash,
    pub(crate) subject: Subject,
    pub(crate) state: ContributionState,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    #[serde(rename = "changed_at")]
    pub(crate) changed_at_us: i64,
}

impl ContributionRow {
    /// Whether this state is an outcome that moves a reputation. Anybody can recompute a bad proof.
    /// Nobody but the holder can recompute a refused share, so its rejection moves nothing.
    pub(crate) fn counts(&self) -> bool {
        match self.state {
            ContributionState::Included => true,
            ContributionState::Rejected => self.reason.as_deref() == Some("proof-refused"),
            ContributionState::Other => false,
        }
    }
}

/// The states of a contribution that an audit tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ContributionState {
    Included,
    Rejected,
    #[serde(other)]
    Other,
}

/// A row of `round_members`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct MemberRow {
    pub(crate) round_id: RoundId,
    pub(crate) index: u64,
    pub(crate) contribution_id: ContributionId,
    pub(crate) header_hash: HeaderHash,
}

/// A row of `release_answers`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AnswerRow {
    pub(crate) round_id: RoundId,
    pub(crate) holder: u8,
    pub(crate) answer: LoggedBytes,
}

/// A row of `results`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ResultRow {
    pub(crate) round_id: RoundId,
    pub(crate) result: LoggedBytes,
}

/// A row of `payouts`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PayoutRow {
    pub(crate) round_id: RoundId,
    pub(crate) contribution_id: ContributionId,
    pub(crate) subject: Subject,
    pub(crate) weight: u32,
    pub(crate) score_ppm: u32,
    pub(crate) reputation_ppm: u32,
    #[serde(deserialize_with = "units")]
    pub(crate) amount: u128,
}

/// A row of `accounts`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AccountRow {
    pub(crate) account_id: AccountId,
    pub(crate) kind: AccountKind,
    pub(crate) subject: Option<Subject>,
    #[serde(deserialize_with = "text")]
    pub(crate) asset: Asset,
}

/// The kinds of accounts that an audit tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AccountKind {
    /// Where pools come from. It alone may be overdrawn.
    Treasury,
    #[serde(other)]
    Other,
}

/// A row of `transfers`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TransferRow {
    pub(crate) transfer_id: TransferId,
    pub(crate) kind: TransferKind,
    pub(crate) round_id: Option<RoundId>,
    pub(crate) batch_id: Option<BatchId>,
    #[serde(deserialize_with = "text")]
    pub(crate) asset: Asset,
}

/// Why something is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TransferKind {
    /// A round pays.
    Round,
    /// A batch is handed over.
    Batch,
    /// A kind that this product never writes.
    #[serde(other)]
    Other,
}

/// A row of `postings`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PostingRow {
    pub(crate) transfer_id: TransferId,
    pub(crate) account_id: AccountId,
    #[serde(deserialize_with = "text")]
    pub(crate) amount: Movement,
}

/// A row of `payout_batches`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BatchRow {
    pub(crate) batch_id: BatchId,
    #[serde(deserialize_with = "text")]
    pub(crate) asset: Asset,
    pub(crate) root: TreeHash,
    pub(crate) lines: usize,
    #[serde(deserialize_with = "units")]
    pub(crate) total: u128,
}

/// A row of `payout_lines`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LineRow {
    pub(crate) batch_id: BatchId,
    pub(crate) subject: Subject,
    #[serde(deserialize_with = "address")]
    pub(crate) address: Address,
    #[serde(deserialize_with = "units")]
    pub(crate) amount: u128,
}

/// A row of `claim_addresses`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct AddressRow {
    pub(crate) subject: Subject,
    pub(crate) chain_id: u64,
    #[serde(deserialize_with = "address")]
    pub(crate) address: Address,
}

/// Bytes as the log names them: at most 32 in hexadecimal, more by their SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct LoggedBytes(String);

impl LoggedBytes {
    /// The name of these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(if bytes.len() <= 32 {
            hex::encode(bytes)
        } else {
            format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
        })
    }
}

impl fmt::Display for LoggedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value by its text.
fn text<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Cow::<str>::deserialize(from)?.parse().map_err(Error::custom)
}

fn optional_text<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<Cow<'_, str>>::deserialize(from)?;
    text.map(|text| text.parse().map_err(Error::custom)).transpose()
}

fn units<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
    amount::parse(&Cow::<str>::deserialize(from)?).map_err(Error::custom)
}

fn optional_amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u128>, D::Error> {
    let text = Option::<Cow<'_, str>>::deserialize(from)?;
    text.map(|text| amount::parse(&text).map_err(Error::custom)).transpose()
}

/// An address in hexadecimal, without `0x`.
fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    decode_hex(&text).map(Address::from_bytes).map_err(Error::custom)
}
