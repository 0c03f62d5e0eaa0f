//! What a round pays, and where its participants want it: the terms in the document, and the address a participant signs.

use ledger::{payout::Policy, payout_tree::Address};
use names::{
    Subject,
    labels::{self, Label},
};

use crate::{
    Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
    credential::{read_subject, write_subject},
};

/// How a round pays those whose contributions are in the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayoutTerms {
    /// What shares are proportional to.
    pub policy: Policy,
    /// What is split, in the smallest units of the token or in points; 1 to [`MAX_POOL`](Self::MAX_POOL).
    pub pool: u128,
    /// What it is paid in; none for points that the operator settles elsewhere.
    pub token: Option<Token>,
}

/// An ERC-20 token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The chain, by its EIP-155 number, 1 to 2⁶³ − 1.
    pub chain_id: u64,
    /// The token's contract, not [`Address::ZERO`].
    pub contract: Address,
}

const NO_PAYOUT: u8 = 0;
const NO_TOKEN: u8 = 0;
const ERC_20: u8 = 1;

impl PayoutTerms {
    /// The largest pool: the sum of 2³² of them fits every amount.
    pub const MAX_POOL: u128 = (1 << 96) - 1;

    pub(crate) fn keeps_ranges(&self) -> bool {
        (1..=Self::MAX_POOL).contains(&self.pool)
            && self.token.is_none_or(|token| is_chain(token.chain_id) && token.contract != Address::ZERO)
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

/// A participant's word on where it wants to be paid on a chain. Of those signed with its present key, the one with the largest
/// sequence counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimAddress {
    /// Who.
    pub subject: Subject,
    /// Where; not [`Address::ZERO`].
    pub address: Address,
    /// On which chain, by its EIP-155 number, 1 to 2⁶³ − 1.
    pub chain_id: u64,
    /// Larger than that of any address that this one replaces.
    pub sequence: u64,
    /// By the participant's client key.
    pub signature: Signature,
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
        write_subject(writer, &self.subject);
        writer.raw(&self.address.to_bytes());
        writer.u64(self.chain_id);
        writer.u64(self.sequence);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSCA")?;
        let claim = Self {
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
