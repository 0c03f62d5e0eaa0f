//! The round document: everything that clients, aggregator and combiners must agree on, hashed to `round_hash`.

use masking::{RoundConstants, RoundRequest};
use names::{MaskSeed, ModelDigest, PublicKey, RoundHash, RoundId, RoundKeyId, RoundPublicKey, labels};

use crate::{
    PayoutTerms, Refusal,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// One tensor of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name, at most 256 bytes.
    pub name: String,
    /// Its shape, at most 8 axes.
    pub shape: Vec<u32>,
    /// Its first coordinate in the flat update.
    pub offset: u64,
}

impl Tensor {
    /// Number of coordinates, unless it exceeds 2⁶⁴ − 1.
    pub fn size(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |size, &axis| size.checked_mul(axis.into()))
    }
}

/// A holder of a share of every mask key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its Ed25519 key.
    pub identity_key: PublicKey,
    /// Identifier of its HPKE key for this round.
    pub hpke_key_id: RoundKeyId,
    /// X25519.
    pub hpke_public_key: RoundPublicKey,
}

/// The proof that every contribution must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Proof {
    /// None.
    None = 0,
    /// A zero-knowledge proof of the norm, version 1.
    NormV1 = 1,
}

impl Proof {
    /// Length of every proof of this kind.
    pub fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::NormV1 => norm_proof::PROOF_BYTES,
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8("proof")? {
            0 => Ok(Self::None),
            1 => Ok(Self::NormV1),
            _ => Err(DecodeError::Range { field: "proof" }),
        }
    }
}

/// Public and immutable. See `docs/wire-formats.md` §5 for every field's range.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are documented in docs/wire-formats.md §5, in this order")]
pub struct RoundDocument {
    pub round_id: RoundId,
    pub model_digest: ModelDigest,
    pub model_bytes: u64,
    pub model_location: String,
    pub tensors: Vec<Tensor>,
    pub dimension: u64,
    pub max_contributions: u32,
    pub min_cohort: u32,
    pub norm_bound: u64,
    pub scale_log2: u8,
    pub transport_bits: u8,
    pub noisy_norm_bound: u64,
    pub clip: f64,
    pub scale: f64,
    pub weight_min: u32,
    pub weight_max: u32,
    pub mask_seed: MaskSeed,
    pub opens_at_ms: i64,
    pub earliest_close_ms: i64,
    pub closes_at_ms: i64,
    pub registrar_key: PublicKey,
    pub credential_epoch: u32,
    pub holders: Vec<Holder>,
    pub proof: Proof,
    pub max_attempts: u8,
    pub payout: Option<PayoutTerms>,
    pub min_reputation_ppm: u32,
}

impl RoundDocument {
    /// `H("round", document)`.
    pub fn hash(&self) -> RoundHash {
        labels::hash(labels::ROUND, &[&self.to_bytes()])
    }

    /// The constants of §2 of the protocol, derived anew and compared with those stated; every other rule on the
    /// document's fields too. Whoever accepts a document calls this.
    ///
    /// # Errors
    /// [`Refusal::Document`] with the first rule broken.
    pub fn check(&self) -> Result<RoundConstants, Refusal> {
        let rule =
            |holds: bool, rule: &'static str| if holds { Ok(()) } else { Err(Refusal::Document { rule }) };
        let request = RoundRequest {
            dimension: self.dimension,
            max_contributions: self.max_contributions,
            norm_bound: self.norm_bound,
            clip: self.clip,
        };
        let constants = RoundConstants::derive(&request)
            .map_err(|_| Refusal::Document { rule: "the parameters allow no constants" })?;
        rule(
            u32::from(self.scale_log2) == constants.scale_log2
                && u32::from(self.transport_bits) == constants.transport_bits
                && self.noisy_norm_bound == constants.noisy_norm_bound
                && self.scale.to_bits() == constants.scale.to_bits(),
            "scale_log2, transport_bits, noisy_norm_bound and scale are those that the parameters give",
        )?;
        rule(self.model_location.len() <= 512, "model_location has at most 512 bytes")?;
        rule(
            self.tensors.len() <= usize::from(u16::MAX)
                && self.tensors.iter().all(|t| t.name.len() <= 256 && t.shape.len() <= 8),
            "at most 65535 tensors, with names of at most 256 bytes and at most 8 axes",
        )?;
        rule(
            self.tensors_cover_dimension(),
            "the tensors follow one another without gaps and make up dimension",
        )?;
        rule(
            2 <= self.min_cohort && self.min_cohort <= self.max_contributions,
            "2 ≤ min_cohort ≤ max_contributions",
        )?;
        rule(
            1 <= self.weight_min && self.weight_min <= self.weight_max && self.weight_max <= 1 << 20,
            "1 ≤ weight_min ≤ weight_max ≤ 2^20",
        )?;
        rule(
            self.opens_at_ms <= self.earliest_close_ms && self.earliest_close_ms <= self.closes_at_ms,
            "opens_at ≤ earliest_close ≤ closes_at",
        )?;
        rule((1..=8).contains(&self.max_attempts), "1 ≤ max_attempts ≤ 8")?;
        rule(
            self.payout.is_none_or(|terms| terms.keeps_ranges()),
            "a payout has a pool below 2^96, and a token a chain and a contract",
        )?;
        rule(self.min_reputation_ppm <= ledger::payout::PPM, "min_reputation is at most a million parts")?;
        rule((2..=8).contains(&self.holders.len()), "2 to 8 share holders")?;
        rule(self.holders_distinct(), "the holders' keys are distinct")?;
        Ok(constants)
    }

    fn tensors_cover_dimension(&self) -> bool {
        let mut next = 0u64;
        for tensor in &self.tensors {
            let end = tensor.size().and_then(|size| next.checked_add(size));
            match end {
                Some(end) if tensor.offset == next => next = end,
                _ => return false,
            }
        }
        next == self.dimension
    }

    fn holders_distinct(&self) -> bool {
        self.holders.iter().enumerate().all(|(i, one)| {
            self.holders[..i].iter().all(|other| {
                one.identity_key != other.identity_key && one.hpke_public_key != other.hpke_public_key
            })
        })
    }
}

impl Canonical for RoundDocument {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSRD");
        writer.name(&self.round_id);
        writer.name(&self.model_digest);
        writer.u64(self.model_bytes);
        writer.text(&self.model_location);
        write_list(writer, &self.tensors, |writer, tensor| {
            writer.text(&tensor.name);
            writer.u8(u8::try_from(tensor.shape.len()).expect("a tensor has at most 8 axes"));
            tensor.shape.iter().for_each(|&axis| writer.u32(axis));
            writer.u64(tensor.offset);
        });
        writer.u64(self.dimension);
        writer.u32(self.max_contributions);
        writer.u32(self.min_cohort);
        writer.u64(self.norm_bound);
        writer.u8(self.scale_log2);
        writer.u8(self.transport_bits);
        writer.u64(self.noisy_norm_bound);
        writer.f64(self.clip);
        writer.f64(self.scale);
        writer.u32(self.weight_min);
        writer.u32(self.weight_max);
        writer.name(&self.mask_seed);
        writer.i64(self.opens_at_ms);
        writer.i64(self.earliest_close_ms);
        writer.i64(self.closes_at_ms);
        writer.name(&self.registrar_key);
        writer.u32(self.credential_epoch);
        writer.u8(u8::try_from(self.holders.len()).expect("a round has at most 8 holders"));
        for holder in &self.holders {
            writer.name(&holder.identity_key);
            writer.name(&holder.hpke_key_id);
            writer.name(&holder.hpke_public_key);
        }
        writer.u8(self.proof as u8);
        writer.u8(self.max_attempts);
        writer.u8(NONE);
        PayoutTerms::write(self.payout.as_ref(), writer);
        writer.u32(self.min_reputation_ppm);
        writer.u8(NONE);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSRD")?;
        let document = Self {
            round_id: reader.name("round_id")?,
            model_digest: reader.name("model_digest")?,
            model_bytes: reader.u64("model_bytes")?,
            model_location: reader.text(512, "model_location")?,
            tensors: read_tensors(reader)?,
            dimension: reader.u64("dimension")?,
            max_contributions: reader.u32("max_contributions")?,
            min_cohort: reader.u32("min_cohort")?,
            norm_bound: reader.u64("norm_bound")?,
            scale_log2: reader.u8("scale_log2")?,
            transport_bits: reader.u8("transport_bits")?,
            noisy_norm_bound: reader.u64("noisy_norm_bound")?,
            clip: reader.f64("clip")?,
            scale: reader.f64("scale")?,
            weight_min: reader.u32("weight_min")?,
            weight_max: reader.u32("weight_max")?,
            mask_seed: reader.name("mask_seed")?,
            opens_at_ms: reader.i64("opens_at")?,
            earliest_close_ms: reader.i64("earliest_close")?,
            closes_at_ms: reader.i64("closes_at")?,
            registrar_key: reader.name("registrar_key")?,
            credential_epoch: reader.u32("credential_epoch")?,
            holders: read_holders(reader)?,
            proof: Proof::read(reader)?,
            max_attempts: reader.u8("max_attempts")?,
            payout: {
                read_none(reader, "scoring")?;
                PayoutTerms::read(reader)?
            },
            min_reputation_ppm: reader.u32("min_reputation")?,
        };
        read_none(reader, "noise")?;
        Ok(document)
    }
}

/// Of scoring and of noise, this version knows only none.
const NONE: u8 = 0;

fn read_none(reader: &mut Reader<'_>, field: &'static str) -> Result<(), DecodeError> {
    if reader.u8(field)? == NONE { Ok(()) } else { Err(DecodeError::Range { field }) }
}

fn write_list<T>(writer: &mut Writer, items: &[T], write: impl Fn(&mut Writer, &T)) {
    writer.u16(u16::try_from(items.len()).expect("lists are bounded where they enter a structure"));
    items.iter().for_each(|item| write(writer, item));
}

fn read_tensors(reader: &mut Reader<'_>) -> Result<Vec<Tensor>, DecodeError> {
    let count = reader.u16("tensors")?;
    (0..count)
        .map(|_| {
            let name = reader.text(256, "tensor name")?;
            let rank = reader.u8("tensor rank")?;
            if rank > 8 {
                return Err(DecodeError::Range { field: "tensor rank" });
            }
            let shape = (0..rank).map(|_| reader.u32("tensor shape")).collect::<Result<_, _>>()?;
            Ok(Tensor { name, shape, offset: reader.u64("tensor offset")? })
        })
        .collect()
}

fn read_holders(reader: &mut Reader<'_>) -> Result<Vec<Holder>, DecodeError> {
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
