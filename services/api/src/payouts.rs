//! Payouts: earnings, balances, claim addresses and batches.

use std::{fmt, str::FromStr};

use names::{ContributionId, RoundId, Subject, TreeHash};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::HexBytes;

/// An amount in the smallest units of its asset. In JSON it is a text of decimal digits, because it
/// can exceed what a JSON number holds.
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
    /// The pool of the round in the smallest units, at least 1.
    pub pool: Amount,
    /// The token of the pool. If absent, the round pays points, which exist only in the books.
    #[serde(default)]
    pub token: Option<Token>,
}

/// How a pool is split over the contributions in the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayoutPolicy {
    /// The same amount for each contribution.
    Equal,
    /// In proportion to the weights, which are public.
    Weight,
    /// In proportion to the product of score and reputation.
    ScoreReputation,
}

/// An ERC-20 token, named by its chain and its contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The chain (EIP-155), at least 1.
    pub chain_id: u64,
    /// The token's contract: 0x and 40 hexadecimal digits.
    pub contract: String,
}

/// An earning: the share of a pool that one contribution receives. The list of a round is in
/// ascending order of subjects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// The round that pays.
    pub round_id: RoundId,
    /// The contribution that earned it.
    pub contribution_id: ContributionId,
    /// The participant that sent the contribution.
    pub subject: Subject,
    /// The rule by which the pool was split.
    pub policy: PayoutPolicy,
    /// The whole pool of the round.
    pub pool: Amount,
    /// The asset of the pool: a CAIP-19 name, or `points`.
    pub asset: String,
    /// The weight of the contribution.
    pub weight: u32,
    /// The score of the contribution, in millionths.
    pub score_ppm: u32,
    /// The reputation of the participant in this round, in millionths.
    pub reputation_ppm: u32,
    /// The amount that it earned.
    pub amount: Amount,
}

/// `GET /v1/participants/{subject}/statement`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Statement {
    /// The participant that the statement is about.
    pub subject: Subject,
    /// Its reputation, in millionths, as a round created now would use it.
    pub reputation_ppm: u32,
    /// Its balances, one for each asset.
    pub balances: Vec<Balance>,
    /// Its claim addresses that count, one for each chain.
    pub addresses: Vec<ClaimAddressView>,
    /// Its latest 1000 earnings, latest first.
    pub payouts: Vec<Payout>,
    /// Its latest 1000 claims in batches, latest first.
    pub claims: Vec<Claim>,
}

/// The balance of a participant in one asset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The asset: a CAIP-19 name, or `points`.
    pub asset: String,
    /// The sum of all its earnings.
    pub earned: Amount,
    /// The amount that batches have handed over so far.
    pub handed_over: Amount,
    /// The rest, which waits for a later batch.
    pub balance: Amount,
}

/// The claim address that counts on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimAddressView {
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The number in the signed message. The message with the largest number counts.
    pub sequence: u64,
    /// The address, with the checksum of EIP-55.
    pub address: String,
}

/// The balance of a participant in one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The number of the batch.
    pub batch_id: u64,
    /// The address that may redeem it, with the checksum of EIP-55.
    pub address: String,
    /// The amount of this participant. Several participants may share one address and so one claim.
    pub amount: Amount,
}

/// `PUT /v1/participants/{subject}/claim-address`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimAddressRequest {
    /// The claim address, signed by the participant. Canonical encoding.
    pub message: HexBytes,
}

/// `POST /v1/payouts/batches`: makes a batch of the balances in a token of all participants with a
/// claim address on its chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeBatch {
    /// The token to hand over.
    pub token: Token,
}

/// A batch, as in `GET /v1/payouts/batches`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Batch {
    /// The number of the batch.
    pub batch_id: u64,
    /// The round whose payout made it. Absent if the operator asked for it.
    pub round_id: Option<RoundId>,
    /// The asset of all its balances.
    pub asset: String,
    /// Root of the payout tree, which the distributor's contract must have.
    pub root: TreeHash,
    /// Number of balances in it.
    pub lines: u32,
    /// Sum of its balances.
    pub total: Amount,
    /// When it was made.
    pub made_at_ms: i64,
    /// The payer's reference for the payment. Absent until the batch is paid.
    pub payment: Option<String>,
}

/// `GET /v1/payouts/batches/{batch}/claims/{subject}`: the claim and its proof, for the
/// distributor's contract.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimProof {
    /// The number of the batch.
    pub batch_id: u64,
    /// Root of its payout tree.
    pub root: TreeHash,
    /// The address that may redeem the claim.
    pub address: String,
    /// The whole amount that this address may redeem in the batch.
    pub amount: Amount,
    /// Sibling hashes from the leaf upwards. Each pair is hashed in ascending order.
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
