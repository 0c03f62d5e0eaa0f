//! The round document: everything on which participants, aggregator and combiners must agree. Its
//! hash is the round hash.

use masking::{RoundConstants, RoundRequest};
use names::{LayoutDigest, MaskSeed, ModelDigest, PublicKey, RoundHash, RoundId, labels};

use crate::{
    Holder, PayoutTerms, Refusal, Section, Tensor, Tolerance,
    codec::{Canonical, DecodeError, Reader, Writer},
    holder, layout,
};

/// The proof that every contribution of a round must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Proof {
    /// No proof.
    None = 0,
    /// A zero-knowledge proof that the norm is within the round's bound, version 2.
    NormV2 = 2,
}

impl Proof {
    /// The length of each proof of this kind, in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::NormV2 => norm_proof::PROOF_BYTES,
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8("proof")? {
            0 => Ok(Self::None),
            2 => Ok(Self::NormV2),
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
    /// The smallest effective size of a set that may be summed, 1 to `min_cohort`. The effective
    /// size is (Σw)²/Σw² over the weights w of the set. It is the size if all weights are equal.
    pub min_effective: u32,
    /// W, the largest total weight of a set: at least `weight_max`, at most `max_contributions`
    /// times `weight_max`.
    pub max_total_weight: u64,
    /// B, the bound of the ℓ₂ norm of an honest quantised update of the largest weight, 2¹⁰ to
    /// 2³¹ − 1.
    pub norm_bound: u64,
    /// δ = log₂ Δ, derived, 20 to 44. A coordinate is multiplied by Δ before it is masked.
    pub scale_log2: u8,
    /// τ, derived, 1 to 32. A body leaves out this many low bits of each coefficient.
    pub transport_bits: u8,
    /// B_φ, derived: the bound of the ℓ₂ norm of Δ·x + e with the rounding error, for the largest
    /// weight.
    pub noisy_norm_bound: u64,
    /// C, the ℓ₂ norm to which a client clips its update before it is weighted, 10⁻⁹ to 10⁹.
    pub clip: f64,
    /// Integer steps for each unit of a weighted update, derived.
    pub scale: f64,
    /// The smallest public weight of a contribution, at least 1.
    pub weight_min: u32,
    /// The largest public weight of a contribution, at most 2²⁰.
    pub weight_max: u32,
    /// If present, clients scale shorter updates up to `clip`, and abstain below this norm. This
    /// version does not know how, so it is absent.
    pub normalise_floor: Option<f64>,
    /// The public seed from which the mask polynomials are expanded.
    pub mask_seed: MaskSeed,
    /// The time from which contributions are taken, in milliseconds since the Unix epoch.
    pub opens_at_ms: i64,
    /// The time before which uploads do not end, in milliseconds since the Unix epoch.
    pub earliest_close_ms: i64,
    /// The time at which uploads end at the latest, in milliseconds since the Unix epoch.
    pub closes_at_ms: i64,
    /// The time until which combiners attest contributions, in milliseconds since the Unix epoch.
    pub attest_by_ms: i64,
    /// The time until which combiners release the round, in milliseconds since the Unix epoch.
    /// After it they destroy their keys.
    pub release_by_ms: i64,
    /// The Ed25519 key of the registrar that signs the participants' credentials.
    pub registrar_key: PublicKey,
    /// The epoch of the credentials that the round accepts.
    pub credential_epoch: u32,
    /// The holders, 2 to 8 with distinct keys. The aggregator is the first.
    pub holders: Vec<Holder>,
    /// How many combiners may collude or be away.
    pub tolerance: Tolerance,
    /// The proof that every contribution must carry.
    pub proof: Proof,
    /// The contributions that a participant may send, rejected ones included, 1 to 8.
    pub max_attempts: u8,
    /// How contributions are scored. This version knows no scoring, so it is absent.
    pub scoring: Option<Section>,
    /// The payout terms. `None` if the round does not pay.
    pub payout: Option<PayoutTerms>,
    /// The reputation that a participant needs, in parts per million. 0 admits everyone.
    pub min_reputation_ppm: u32,
    /// The noise that is added to the sum. This version knows no noise, so it is absent.
    pub noise: Option<Section>,
    /// What is computed about the sum before it is published. This version knows nothing of the
    /// kind, so it is absent.
    pub evaluations: Option<Section>,
}

impl RoundDocument {
    /// `H("round", document)`: every signature and proof of the round is bound to this hash.
    pub fn hash(&self) -> RoundHash {
        labels::hash(labels::ROUND, &[&self.to_bytes()])
    }

    /// The digest of the tensors. Two updates with the same digest have coordinates with the same
    /// meaning.
    pub fn layout_digest(&self) -> LayoutDigest {
        layout::digest(&self.tensors)
    }

    /// Checks every rule on the fields. Derives the round's constants from its parameters (§4 of
    /// `docs/wire-formats.md`) and compares them with those in the document. Every party that
    /// accepts a document calls this.
    ///
    /// # Errors
    /// [`Refusal::Document`] with the first broken rule.
    pub fn check(&self) -> Result<RoundConstants, Refusal> {
        self.check_weights()?;
        let constants = RoundConstants::derive(&self.request())
            .map_err(|_| Refusal::Document { rule: "the parameters allow no constants" })?;
        rule(
            u32::from(self.scale_log2) == constants.scale_log2
                && u32::from(self.transport_bits) == constants.transport_bits
                && self.noisy_norm_bound == constants.noisy_norm_bound
                && self.scale.to_bits() == constants.scale.to_bits(),
            "scale_log2, transport_bits, noisy_norm_bound and scale are those that the parameters give",
        )?;
        self.check_layout()?;
        self.check_cohort()?;
        self.check_policies()?;
        self.check_holders()?;
        self.check_absent()?;
        Ok(constants)
    }

    fn check_layout(&self) -> Result<(), Refusal> {
        rule(self.model_location.len() <= 512, "model_location has at most 512 bytes")?;
        rule(
            self.tensors.len() <= usize::from(u16::MAX)
                && self.tensors.iter().all(|t| t.name.len() <= 256 && t.shape.len() <= 8),
            "at most 65535 tensors, with names of at most 256 bytes and at most 8 axes",
        )?;
        rule(
            layout::covers(&self.tensors, self.dimension),
            "the tensors follow one another without gaps and make up dimension",
        )
    }

    fn check_cohort(&self) -> Result<(), Refusal> {
        rule(
            2 <= self.min_cohort && self.min_cohort <= self.max_contributions,
            "2 ≤ min_cohort ≤ max_contributions",
        )?;
        rule(
            1 <= self.min_effective && self.min_effective <= self.min_cohort,
            "1 ≤ min_effective ≤ min_cohort",
        )?;
        Ok(())
    }

    fn check_weights(&self) -> Result<(), Refusal> {
        rule(
            1 <= self.weight_min && self.weight_min <= self.weight_max && self.weight_max <= 1 << 20,
            "1 ≤ weight_min ≤ weight_max ≤ 2^20",
        )?;
        let (weight_max, capacity) = (u64::from(self.weight_max), u64::from(self.max_contributions));
        rule(
            (weight_max..=capacity * weight_max).contains(&self.max_total_weight),
            "weight_max ≤ max_total_weight ≤ max_contributions · weight_max",
        )
    }

    /// The parameters from which the constants are derived.
    pub fn request(&self) -> RoundRequest {
        RoundRequest {
            dimension: self.dimension,
            max_contributions: self.max_contributions,
            norm_bound: self.norm_bound,
            clip: self.clip,
            weight_min: self.weight_min,
            weight_max: self.weight_max,
            max_total_weight: self.max_total_weight,
        }
    }

    fn check_policies(&self) -> Result<(), Refusal> {
        rule(
            [
                self.opens_at_ms,
                self.earliest_close_ms,
                self.closes_at_ms,
                self.attest_by_ms,
                self.release_by_ms,
            ]
            .is_sorted(),
            "opens_at ≤ earliest_close ≤ closes_at ≤ attest_by ≤ release_by",
        )?;
        rule((1..=8).contains(&self.max_attempts), "1 ≤ max_attempts ≤ 8")?;
        rule(
            self.payout.is_none_or(|terms| terms.keeps_ranges()),
            "a payout has a pool below 2^96, and a token a chain and a contract",
        )?;
        rule(self.min_reputation_ppm <= ledger::payout::PPM, "min_reputation is at most a million parts")
    }

    fn check_holders(&self) -> Result<(), Refusal> {
        rule((2..=8).contains(&self.holders.len()), "2 to 8 share holders")?;
        rule(holder::distinct(&self.holders), "the holders' keys are distinct")?;
        rule(
            self.holders.iter().all(|holder| sharing::check_public_key(&holder.hpke_public_key).is_ok()),
            "the holders' HPKE keys pass the modulus check and are not of small order",
        )?;
        rule(
            self.tolerance == Tolerance::of(self.holders.len()),
            "all combiners are needed: none may be away, and all but one may collude",
        )
    }

    /// Refuses the fields that a later version gives a meaning.
    fn check_absent(&self) -> Result<(), Refusal> {
        rule(self.tensors.iter().all(|tensor| tensor.scale.is_none()), "a tensor has no scale")?;
        rule(self.normalise_floor.is_none(), "updates are not normalised")?;
        rule(self.scoring.is_none(), "contributions are not scored")?;
        rule(self.noise.is_none(), "no noise is added")?;
        rule(self.evaluations.is_none(), "the sum is not evaluated")
    }
}

fn rule(holds: bool, rule: &'static str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::Document { rule }) }
}

impl Canonical for RoundDocument {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSRD");
        writer.name(&self.round_id);
        writer.name(&self.model_digest);
        writer.u64(self.model_bytes);
        writer.text(&self.model_location);
        layout::write(writer, &self.tensors);
        writer.u64(self.dimension);
        writer.u32(self.max_contributions);
        writer.u32(self.min_cohort);
        writer.u32(self.min_effective);
        writer.u64(self.max_total_weight);
        writer.u64(self.norm_bound);
        writer.u8(self.scale_log2);
        writer.u8(self.transport_bits);
        writer.u64(self.noisy_norm_bound);
        writer.f64(self.clip);
        writer.f64(self.scale);
        writer.u32(self.weight_min);
        writer.u32(self.weight_max);
        writer.optional(self.normalise_floor.as_ref(), |writer, &floor| writer.f64(floor));
        writer.name(&self.mask_seed);
        writer.i64(self.opens_at_ms);
        writer.i64(self.earliest_close_ms);
        writer.i64(self.closes_at_ms);
        writer.i64(self.attest_by_ms);
        writer.i64(self.release_by_ms);
        writer.name(&self.registrar_key);
        writer.u32(self.credential_epoch);
        holder::write(writer, &self.holders);
        writer.u8(self.tolerance.colluding);
        writer.u8(self.tolerance.absent);
        writer.u8(self.proof as u8);
        writer.u8(self.max_attempts);
        Section::write(self.scoring.as_ref(), writer);
        PayoutTerms::write(self.payout.as_ref(), writer);
        writer.u32(self.min_reputation_ppm);
        Section::write(self.noise.as_ref(), writer);
        Section::write(self.evaluations.as_ref(), writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSRD")?;
        Ok(Self {
            round_id: reader.name("round_id")?,
            model_digest: reader.name("model_digest")?,
            model_bytes: reader.u64("model_bytes")?,
            model_location: reader.text(512, "model_location")?,
            tensors: layout::read(reader)?,
            dimension: reader.u64("dimension")?,
            max_contributions: reader.u32("max_contributions")?,
            min_cohort: reader.u32("min_cohort")?,
            min_effective: reader.u32("min_effective")?,
            max_total_weight: reader.u64("max_total_weight")?,
            norm_bound: reader.u64("norm_bound")?,
            scale_log2: reader.u8("scale_log2")?,
            transport_bits: reader.u8("transport_bits")?,
            noisy_norm_bound: reader.u64("noisy_norm_bound")?,
            clip: reader.f64("clip")?,
            scale: reader.f64("scale")?,
            weight_min: reader.u32("weight_min")?,
            weight_max: reader.u32("weight_max")?,
            normalise_floor: reader.optional("normalise", |reader| reader.f64("normalise"))?,
            mask_seed: reader.name("mask_seed")?,
            opens_at_ms: reader.i64("opens_at")?,
            earliest_close_ms: reader.i64("earliest_close")?,
            closes_at_ms: reader.i64("closes_at")?,
            attest_by_ms: reader.i64("attest_by")?,
            release_by_ms: reader.i64("release_by")?,
            registrar_key: reader.name("registrar_key")?,
            credential_epoch: reader.u32("credential_epoch")?,
            holders: holder::read(reader)?,
            tolerance: Tolerance { colluding: reader.u8("tolerance")?, absent: reader.u8("tolerance")? },
            proof: Proof::read(reader)?,
            max_attempts: reader.u8("max_attempts")?,
            scoring: Section::read(reader, "scoring")?,
            payout: PayoutTerms::read(reader)?,
            min_reputation_ppm: reader.u32("min_reputation")?,
            noise: Section::read(reader, "noise")?,
            evaluations: Section::read(reader, "evaluations")?,
        })
    }
}
