//! The round document: everything on which participants, aggregator and combiners must agree. Its
//! hash is the round hash.

use masking::{RoundConstants, RoundRequest};
use names::{MaskSeed, ModelDigest, PublicKey, RoundHash, RoundId, RoundKeyId, RoundPublicKey, labels};

use crate::{
    PayoutTerms, Refusal,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// One tensor of an update, such as the weights of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The name in the model, at most 256 bytes.
    pub name: String,
    /// The length of each axis, at most 8 axes. A scalar has none.
    pub shape: Vec<u32>,
    /// The index of its first coordinate in the flat update.
    pub offset: u64,
}

impl Tensor {
    /// The number of coordinates. `None` if it exceeds 2⁶⁴ − 1.
    pub fn size(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |size, &axis| size.checked_mul(axis.into()))
    }
}

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

/// The proof that every contribution of a round must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Proof {
    /// No proof.
    None = 0,
    /// A zero-knowledge proof that the norm is within the round's bound, version 1.
    NormV1 = 1,
}

impl Proof {
    /// The length of each proof of this kind, in bytes.
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

/// Everything that the parties agree on before a round. It is public, signed and never changes.
///
/// The fields are in the order of `docs/wire-formats.md` §5. The ranges below are those that
/// [`check`](Self::check) demands.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundDocument {
    /// The round id: a UUID of version 7.
    pub round_id: RoundId,
    /// The SHA-256 of the bytes that every participant starts from.
    pub model_digest: ModelDigest,
    /// The length of the model in bytes.
    pub model_bytes: u64,
    /// The path or URL of the model, at most 512 bytes.
    pub model_location: String,
    /// The layout of an update. The tensors follow one another without gaps.
    pub tensors: Vec<Tensor>,
    /// d, the coordinates of an update: the sum of the tensors' sizes, 1 to 2³².
    pub dimension: u64,
    /// n_max, the capacity: how many contributions the round takes, at most 2²⁰.
    pub max_contributions: u32,
    /// The smallest set that may be summed, 2 to `max_contributions`.
    pub min_cohort: u32,
    /// B, the bound of the ℓ₂ norm of an honest quantised update, 2¹⁰ to 2³¹ − 1.
    pub norm_bound: u64,
    /// δ = log₂ Δ, derived, 20 to 44. A coordinate is multiplied by Δ before it is masked.
    pub scale_log2: u8,
    /// τ, derived, 1 to 32. A body leaves out this many low bits of each coefficient.
    pub transport_bits: u8,
    /// B_φ, derived: the bound of the ℓ₂ norm of Δ·x + e with the rounding error.
    pub noisy_norm_bound: u64,
    /// C, the ℓ₂ norm to which a client clips its weighted update, 10⁻⁹ to 10⁹.
    pub clip: f64,
    /// Integer steps for each unit of a weighted update, derived.
    pub scale: f64,
    /// The smallest public weight of a contribution, at least 1.
    pub weight_min: u32,
    /// The largest public weight of a contribution, at most 2²⁰.
    pub weight_max: u32,
    /// The public seed from which the mask polynomials are expanded.
    pub mask_seed: MaskSeed,
    /// The time from which contributions are taken, in milliseconds since the Unix epoch.
    pub opens_at_ms: i64,
    /// The time before which uploads do not end, in milliseconds since the Unix epoch.
    pub earliest_close_ms: i64,
    /// The time at which uploads end at the latest, in milliseconds since the Unix epoch.
    pub closes_at_ms: i64,
    /// The Ed25519 key of the registrar that signs the participants' credentials.
    pub registrar_key: PublicKey,
    /// The epoch of the credentials that the round accepts.
    pub credential_epoch: u32,
    /// The holders, 2 to 8 with distinct keys. The aggregator is the first.
    pub holders: Vec<Holder>,
    /// The proof that every contribution must carry.
    pub proof: Proof,
    /// The contributions that a participant may send, rejected ones included, 1 to 8.
    pub max_attempts: u8,
    /// The payout terms. `None` if the round does not pay.
    pub payout: Option<PayoutTerms>,
    /// The reputation that a participant needs, in parts per million. 0 admits everyone.
    pub min_reputation_ppm: u32,
}

impl RoundDocument {
    /// `H("round", document)`: every signature and proof of the round is bound to this hash.
    pub fn hash(&self) -> RoundHash {
        labels::hash(labels::ROUND, &[&self.to_bytes()])
    }

    /// Checks every rule on the fields. Derives the round's constants from its parameters (§4 of
    /// `docs/wire-formats.md`) and compares them with those in the document. Every party that
    /// accepts a document calls this.
    ///
    /// # Errors
    /// [`Refusal::Document`] with the first broken rule.
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
        rule(
            self.holders.iter().all(|holder| sharing::check_public_key(&holder.hpke_public_key).is_ok()),
            "the holders' HPKE keys pass the modulus check and are not of small order",
        )?;
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

/// The formats leave room for scoring and noise. This version knows neither, and writes this byte.
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
