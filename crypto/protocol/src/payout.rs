//! The money of a round: the payout terms in its document, and the claim address of a participant.

use std::{fmt, str::FromStr};

use std::cmp::Reverse;

use ledger::{payout::Policy, payout_tree::Address};
use names::{
    PublicKey, Subject,
    labels::{self, Label},
};
use thiserror::Error;

use crate::{
    Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
    credential::{read_subject, write_subject},
};

/// How a round pays for the contributions in its sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutTerms {
    /// The rule that divides the pool among the participants.
    pub policy: Policy,
    /// The pool, in the smallest units of the token or in points: 1 to
    /// [`MAX_POOL`](Self::MAX_POOL).
    pub pool: u128,
    /// The token in which the pool is paid. `None` for points, which the operator pays in its own
    /// way.
    pub token: Option<Token>,
}

/// An ERC-20 token. Its text is the asset name of CAIP-19: `eip155:1/erc20:0x…`, with the contract
/// in lower case.
///
/// ```
/// use protocol::Token;
///
/// let name = "eip155:1/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3";
/// let token: Token = name.parse()?;
/// assert_eq!((token.chain_id, token.to_string().as_str()), (1, name));
/// # Ok::<(), protocol::NotAnAsset>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    /// The chain, by its EIP-155 number, 1 to 2⁶³ − 1.
    pub chain_id: u64,
    /// The token's contract, not [`Address::ZERO`].
    pub contract: Address,
}

impl Token {
    fn keeps_ranges(&self) -> bool {
        is_chain(self.chain_id) && self.contract != Address::ZERO
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "eip155:{}/erc20:0x{}", self.chain_id, hex::encode(self.contract.to_bytes()))
    }
}

impl FromStr for Token {
    type Err = NotAnAsset;

    /// Reads exactly what [`Display`](fmt::Display) writes, so that two names are of one token only
    /// if they are the same text.
    fn from_str(name: &str) -> Result<Self, NotAnAsset> {
        let (chain, contract) =
            name.strip_prefix("eip155:").and_then(|rest| rest.split_once("/erc20:")).ok_or(NotAnAsset)?;
        let token = Self {
            chain_id: chain.parse().map_err(|_| NotAnAsset)?,
            contract: contract.parse().map_err(|_| NotAnAsset)?,
        };
        if token.keeps_ranges() && token.to_string() == name { Ok(token) } else { Err(NotAnAsset) }
    }
}

/// The unit in which a round pays and an account counts. Its text is `points` or the name of the
/// token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asset {
    /// Points that the operator redeems elsewhere.
    Points,
    /// A token.
    Token(Token),
}

impl From<Token> for Asset {
    fn from(token: Token) -> Self {
        Self::Token(token)
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Points => f.write_str("points"),
            Self::Token(token) => token.fmt(f),
        }
    }
}

impl FromStr for Asset {
    type Err = NotAnAsset;

    fn from_str(name: &str) -> Result<Self, NotAnAsset> {
        if name == "points" { Ok(Self::Points) } else { name.parse().map(Self::Token) }
    }
}

/// The text names neither a token nor points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an asset is `points` or `eip155:` with a chain and the contract of an ERC-20 token")]
pub struct NotAnAsset;

const NO_PAYOUT: u8 = 0;
const NO_TOKEN: u8 = 0;
const ERC_20: u8 = 1;

impl PayoutTerms {
    /// The largest pool. The sum of 2³² such pools fits in every amount.
    pub const MAX_POOL: u128 = (1 << 96) - 1;

    /// The asset in which the pool is counted.
    pub fn asset(&self) -> Asset {
        self.token.map_or(Asset::Points, Asset::Token)
    }

    pub(crate) fn keeps_ranges(&self) -> bool {
        (1..=Self::MAX_POOL).contains(&self.pool) && self.token.is_none_or(|token| token.keeps_ranges())
    }

    pub(crate) fn write(terms: Option<&Self>, writer: &mut Writer) {
        let Some(terms) = terms else { return writer.u8(NO_PAYOUT) };
        writer.u8(terms.policy as u8);
        writer.u128(terms.pool);
        match terms.token {
            None => writer.u8(NO_TOKEN),
            Some(token) => {
                writer.u8(ERC_20);
                writer.u64(token.chain_id);
                writer.raw(&token.contract.to_bytes());
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let number = reader.u8("payout")?;
        if number == NO_PAYOUT {
            return Ok(None);
        }
        let policy = Policy::from_number(number).ok_or(DecodeError::Range { field: "payout" })?;
        let pool = reader.u128("pool")?;
        let token = match reader.u8("token")? {
            NO_TOKEN => None,
            ERC_20 => Some(Token {
                chain_id: reader.u64("chain_id")?,
                contract: Address::from_bytes(reader.array("contract")?),
            }),
            _ => return Err(DecodeError::Range { field: "token" }),
        };
        Ok(Some(Self { policy, pool, token }))
    }
}

fn is_chain(chain_id: u64) -> bool {
    (1..1 << 63).contains(&chain_id)
}

/// A participant's statement of the address where it wants to be paid on a chain. Of the statements
/// under its present key, the one with the largest sequence counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimAddress {
    /// The identity key of the aggregator that owes the money. The address counts at no other one,
    /// not even where the participant has the same name and key.
    pub aggregator_key: PublicKey,
    /// The participant.
    pub subject: Subject,
    /// The account to pay, not [`Address::ZERO`].
    pub address: Address,
    /// The chain, by its EIP-155 number, 1 to 2⁶³ − 1.
    pub chain_id: u64,
    /// Larger than the sequence of every address that this one replaces.
    pub sequence: u64,
    /// The signature by the key in the participant's credential.
    pub signature: Signature,
}

impl ClaimAddress {
    /// The addresses in force at an aggregator, among the messages that a participant has sent. For
    /// each chain this is the message with the largest sequence, of those for this aggregator that
    /// are signed with the participant's present key. The result is in ascending order of chains.
    ///
    /// Messages under a replaced key are ignored. After a change of its key a participant sends its
    /// address again.
    pub fn in_force(
        messages: &[Vec<u8>],
        aggregator: &PublicKey,
        subject: &Subject,
        key: &PublicKey,
    ) -> Vec<Self> {
        let mut claims = Self::signed_with(messages, aggregator, subject, key);
        claims.sort_by_key(|claim| (claim.chain_id, Reverse(claim.sequence)));
        claims.dedup_by_key(|claim| claim.chain_id);
        claims
    }

    /// The messages of this participant to this aggregator that are signed with this key.
    pub fn signed_with(
        messages: &[Vec<u8>],
        aggregator: &PublicKey,
        subject: &Subject,
        key: &PublicKey,
    ) -> Vec<Self> {
        let read = |message: &Vec<u8>| Self::from_bytes(message).ok();
        let signed = |claim: &Self| {
            claim.aggregator_key == *aggregator && claim.subject == *subject && claim.verify(key).is_ok()
        };
        messages.iter().filter_map(read).filter(signed).collect()
    }
}

impl Signed for ClaimAddress {
    const LABEL: Label = labels::CLAIM_ADDRESS;
    const NAME: &'static str = "claim address";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for ClaimAddress {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSCA");
        writer.name(&self.aggregator_key);
        write_subject(writer, &self.subject);
        writer.raw(&self.address.to_bytes());
        writer.u64(self.chain_id);
        writer.u64(self.sequence);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSCA")?;
        let claim = Self {
            aggregator_key: reader.name("aggregator_key")?,
            subject: read_subject(reader)?,
            address: Address::from_bytes(reader.array("address")?),
            chain_id: reader.u64("chain_id")?,
            sequence: reader.u64("sequence")?,
            signature: Signature::read(reader)?,
        };
        match claim {
            Self { address: Address::ZERO, .. } => Err(DecodeError::Range { field: "address" }),
            Self { chain_id, .. } if !is_chain(chain_id) => Err(DecodeError::Range { field: "chain_id" }),
            claim => Ok(claim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_has_one_name() {
        let token = Token { chain_id: 31_337, contract: Address::from_bytes([0xc0; 20]) };
        let name = format!("eip155:31337/erc20:0x{}", "c0".repeat(20));
        assert_eq!((token.to_string(), name.parse()), (name.clone(), Ok(token)));
        for asset in [Asset::Points, Asset::Token(token)] {
            assert_eq!(asset.to_string().parse(), Ok(asset));
        }
    }

    #[test]
    fn other_spellings_of_an_asset_are_refused() {
        let contract = "c0".repeat(20);
        for name in [
            String::new(),
            "Points".into(),
            format!("eip155:01/erc20:0x{contract}"),
            format!("eip155:+1/erc20:0x{contract}"),
            format!("eip155:0/erc20:0x{contract}"),
            format!("eip155:{}/erc20:0x{contract}", 1u64 << 63),
            format!("eip155:1/erc721:0x{contract}"),
            format!("eip155:1/erc20:0x{}", contract.to_uppercase()),
            format!("eip155:1/erc20:{contract}"),
            format!("eip155:1/erc20:0x{}", "00".repeat(20)),
        ] {
            assert_eq!(name.parse::<Asset>(), Err(NotAnAsset), "{name}");
        }
    }
}
