//! What contributions earn, and how it is paid out.

use std::{fmt, str::FromStr};

use names::{ContributionId, RoundId, Subject, TreeHash};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::HexBytes;

/// An amount in the smallest units, in JSON a text of decimal digits: it can exceed what a JSON number holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub u128);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Amount {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(D::Error::custom("expected decimal digits"));
        }
        text.parse().map_err(|_| D::Error::custom("expected decimal digits of a number below 2^128"))
    }
}

/// What a round pays, in `POST /v1/rounds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayoutTerms {
    /// How the pool is split.
    pub policy: PayoutPolicy,
    /// All that is paid, in the smallest units, at least 1.
    pub pool: Amount,
    /// What it is paid in; points that only the ledger knows, if absent.
    #[serde(default)]
    pub token: Option<Token>,
}

/// How a pool is split over the contributions in the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayoutPolicy {
    /// Equal parts.
    Equal,
    /// In proportion to the public weights.
    Weight,
    /// In proportion to score times reputation.
    ScoreReputation,
}

/// An ERC-20 token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The chain (EIP-155), at least 1.
    pub chain_id: u64,
    /// The token's contract: 0x and 40 hexadecimal digits.
    pub contract: String,
}

/// What a contribution earned. In `GET /v1/rounds/{round}/payouts`, in ascending order of subjects, and in statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// The round.
    pub round_id: RoundId,
    /// The contribution.
    pub contribution_id: ContributionId,
    /// Who contributed.
    pub subject: Subject,
    /// How the pool was split.
    pub policy: PayoutPolicy,
    /// The pool.
    pub pool: Amount,
    /// What it was paid in: a CAIP-19 name, or `points`.
    pub asset: String,
    /// The public weight.
    pub weight: u32,
    /// The score, in millionths.
    pub score_ppm: u32,
    /// The reputation, in millionths.
    pub reputation_ppm: u32,
    /// What it earned.
    pub amount: Amount,
}

/// `GET /v1/participants/{subject}/statement`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Statement {
    /// The participant.
    pub subject: Subject,
    /// Its reputation in a round that is created now, in millionths.
    pub reputation_ppm: u32,
    /// What it has, by asset.
    pub balances: Vec<Balance>,
    /// The addresses that count, one for each chain.
    pub addresses: Vec<ClaimAddressView>,
    /// What its contributions earned, the last 1000, latest first.
    pub payouts: Vec<Payout>,
    /// What was handed to the distributor for it, the last 1000 batches, latest first.
    pub claims: Vec<Claim>,
}

/// What a participant has of an asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// A CAIP-19 name, or `points`.
    pub asset: String,
    /// All that it earned.
    pub earned: Amount,
    /// What of it was handed to the distributor.
    pub handed_over: Amount,
    /// The rest, for a later batch.
    pub balance: Amount,
}

/// An address that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimAddressView {
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The number that the participant has given its message: the largest counts.
    pub sequence: u64,
    /// The address, with the checksum of EIP-55.
    pub address: String,
}

/// A balance in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The batch.
    pub batch_id: u64,
    /// Who may claim it, with the checksum of EIP-55.
    pub address: String,
    /// How much of the address's claim is this participant's.
    pub amount: Amount,
}

/// `PUT /v1/participants/{subject}/claim-address`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimAddressRequest {
    /// The participant's signed message, canonical encoding.
    pub message: HexBytes,
}

/// `POST /v1/payouts/batches`: hand over what is owed in this token to those who have an address on its chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeBatch {
    /// What is handed over.
    pub token: Token,
}

/// A batch, as in `GET /v1/payouts/batches`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batch {
    /// Its number.
    pub batch_id: u64,
    /// The round after whose payout it was made; absent if the operator asked for it.
    pub round_id: Option<RoundId>,
    /// What is handed over.
    pub asset: String,
    /// Root of the tree of claims.
    pub root: TreeHash,
    /// How many balances are in it.
    pub lines: u32,
    /// Their sum.
    pub total: Amount,
    /// When it was made.
    pub made_at_ms: i64,
    /// The reference of the payment, once the batch is paid.
    pub payment: Option<String>,
}

/// `GET /v1/payouts/batches/{batch}/claims/{subject}`: what the distributor's contract is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimProof {
    /// The batch.
    pub batch_id: u64,
    /// Root of its tree.
    pub root: TreeHash,
    /// Who may claim.
    pub address: String,
    /// All that this address may claim in the batch.
    pub amount: Amount,
    /// Siblings from the leaf upwards, each pair hashed in ascending order.
    pub proof: Vec<TreeHash>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_digits() {
        let amount = Amount(u128::MAX);
        let text = serde_json::to_string(&amount).unwrap();
        assert_eq!(text, "\"340282366920938463463374607431768211455\"");
        assert_eq!(serde_json::from_str::<Amount>(&text).unwrap(), amount);
        for wrong in [
            "1",
            "\"-1\"",
            "\"+1\"",
            "\"\"",
            "\" 1\"",
            "\"0x1\"",
            "\"340282366920938463463374607431768211456\"",
        ] {
            assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        }
    }
}
