//! The holders of a round, and how many of them it can do without.

use names::{PublicKey, RoundKeyId, RoundPublicKey};

use crate::codec::{DecodeError, Reader, Writer};

/// A party that holds a share of each mask key: the aggregator or a combiner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The Ed25519 key with which the holder signs.
    pub identity_key: PublicKey,
    /// The identifier of its HPKE key for this round.
    pub hpke_key_id: RoundKeyId,
    /// Its public key for this round. Clients seal shares to it.
    pub hpke_public_key: RoundPublicKey,
}

/// How many combiners a round can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// f, the combiners that may collude with the aggregator. This version shares every mask key
    /// among all combiners, so it is their number minus one.
    pub colluding: u8,
    /// c, the combiners that may be away when the round is released. In this version it is 0.
    pub absent: u8,
}

impl Tolerance {
    /// The only tolerance that this version knows, for a round with these holders.
    pub fn of(holders: usize) -> Self {
        Self { colluding: u8::try_from(holders.saturating_sub(2)).unwrap_or(u8::MAX), absent: 0 }
    }
}

/// Whether no two holders share a key.
pub(crate) fn distinct(holders: &[Holder]) -> bool {
    holders.iter().enumerate().all(|(i, one)| {
        holders[..i].iter().all(|other| {
            one.identity_key != other.identity_key && one.hpke_public_key != other.hpke_public_key
        })
    })
}

pub(crate) fn write(writer: &mut Writer, holders: &[Holder]) {
    writer.u8(u8::try_from(holders.len()).expect("a round has at most 8 holders"));
    for holder in holders {
        writer.name(&holder.identity_key);
        writer.name(&holder.hpke_key_id);
        writer.name(&holder.hpke_public_key);
    }
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Vec<Holder>, DecodeError> {
    let count = reader.u8("holders")?;
    if !(2..=8).contains(&count) {
        return Err(DecodeError::Range { field: "holders" });
    }
    (0..count)
        .map(|_| {
            Ok(Holder {
                identity_key: reader.name("identity_key")?,
                hpke_key_id: reader.name("hpke_key_id")?,
                hpke_public_key: reader.name("hpke_public_key")?,
            })
        })
        .collect()
}
