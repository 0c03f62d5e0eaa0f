//! The proof and its encoding.

use bulletproofs::RangeProof;
use curve25519_dalek::{RistrettoPoint, Scalar, traits::IsIdentity};
use sharing::Commitment;

use crate::{
    NormProofError,
    generators::LIMBS,
    slack::RANGE_PROOF_BYTES,
    witness::{COMMITTED, LENGTH, SMALLNESS_ROWS},
};

/// Name and version of the encoding.
const TAG: [u8; 6] = *b"BSNP\x02\x00";
/// The number of announcements: one for each vector commitment and each limb of the slack.
pub(crate) const ANNOUNCEMENTS: usize = COMMITTED.len() + LIMBS;
/// The commitments to t₀ and t₁.
pub(crate) const CROSS_TERMS: usize = 2;
/// The number of blinding responses: one for each announcement and one for the quadratic relation.
pub(crate) const BLINDINGS: usize = ANNOUNCEMENTS + 1;

const ELEMENT: usize = 32;
const SUM: usize = 16;

/// The length of every proof in bytes. It does not depend on the round or the dimension.
pub const PROOF_BYTES: usize = TAG.len()
    + ELEMENT * (2 + LIMBS)
    + SUM * SMALLNESS_ROWS
    + ELEMENT * (ANNOUNCEMENTS + CROSS_TERMS + 1 + LENGTH + LIMBS + BLINDINGS)
    + RANGE_PROOF_BYTES;

/// A proof that a contribution is within the bound. It is well-formed but not yet verified.
#[derive(Clone, Debug)]
pub struct NormProof {
    /// P_w, which is sent before the challenges z.
    pub(crate) projection: Commitment,
    /// P_κy, which is sent after the challenges z.
    pub(crate) smallness: Commitment,
    /// V₀ and V₁, the commitments to the limbs of the slack.
    pub(crate) slack: [Commitment; LIMBS],
    /// v_j, the sums of the smallness rows.
    pub(crate) sums: Vec<i128>,
    /// The announcements T for P, P_w, P_κy, V₀ and V₁.
    pub(crate) announcements: [Commitment; ANNOUNCEMENTS],
    /// The commitments to t₀ and t₁.
    pub(crate) cross_terms: [Commitment; CROSS_TERMS],
    /// ⟨c, m⟩, the mask of the merged linear relation.
    pub(crate) linear_mask: Scalar,
    /// f = m + x·(s ‖ w ‖ κ ‖ y).
    pub(crate) responses: Vec<Scalar>,
    /// The responses for σ₀ and σ₁, of the same form.
    pub(crate) slack_responses: [Scalar; LIMBS],
    /// The responses for the blindings, of the same form. Those of the announcements come first, in
    /// order, then that of the quadratic relation.
    pub(crate) blinding_responses: [Scalar; BLINDINGS],
    /// The proof that σ₀ and σ₁ are below 2⁶⁴.
    pub(crate) range: RangeProof,
}

impl NormProof {
    /// The canonical encoding, [`PROOF_BYTES`] long.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PROOF_BYTES);
        bytes.extend_from_slice(&TAG);
        let first = [&self.projection, &self.smallness].into_iter().chain(&self.slack);
        first.for_each(|point| bytes.extend_from_slice(point.encoded().as_bytes()));
        self.sums.iter().for_each(|sum| bytes.extend_from_slice(&sum.to_le_bytes()));
        let points = self.announcements.iter().chain(&self.cross_terms);
        points.for_each(|point| bytes.extend_from_slice(point.encoded().as_bytes()));
        let scalars = std::iter::once(&self.linear_mask)
            .chain(&self.responses)
            .chain(&self.slack_responses)
            .chain(&self.blinding_responses);
        scalars.for_each(|scalar| bytes.extend_from_slice(scalar.as_bytes()));
        bytes.extend_from_slice(&self.range.to_bytes());
        bytes
    }

    /// Decodes a proof from exactly these bytes.
    ///
    /// Every group element must be canonical and not the identity, and every scalar must be
    /// canonical. The elements of the range proof are checked later, when it is verified.
    ///
    /// # Errors
    /// [`NormProofError::Length`], or [`NormProofError::Encoding`] with the first field that is
    /// invalid.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NormProofError> {
        if bytes.len() != PROOF_BYTES {
            return Err(NormProofError::Length { length: bytes.len(), expected: PROOF_BYTES });
        }
        let reader = &mut Reader(bytes);
        if reader.take::<6>() != TAG {
            return Err(NormProofError::Encoding { field: "name and version" });
        }
        Ok(Self {
            projection: reader.point("projection commitment")?,
            smallness: reader.point("smallness commitment")?,
            slack: reader.points("slack commitments")?,
            sums: (0..SMALLNESS_ROWS).map(|_| i128::from_le_bytes(reader.take())).collect(),
            announcements: reader.points("announcements")?,
            cross_terms: reader.points("cross terms")?,
            linear_mask: reader.scalar("linear mask")?,
            responses: reader.scalars(LENGTH, "responses")?,
            slack_responses: reader.scalar_array("slack responses")?,
            blinding_responses: reader.scalar_array("blinding responses")?,
            range: RangeProof::from_bytes(reader.0)
                .map_err(|_| NormProofError::Encoding { field: "range proof" })?,
        })
    }
}

/// The bytes of an encoding that are still to be read. The length of the whole was checked.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        let (taken, rest) = self.0.split_first_chunk().expect("the length of the whole was checked");
        self.0 = rest;
        *taken
    }

    fn point(&mut self, field: &'static str) -> Result<Commitment, NormProofError> {
        let point = Commitment::decode(&self.take().into()).ok();
        point
            .filter(|point| !RistrettoPoint::is_identity(&point.point()))
            .ok_or(NormProofError::Encoding { field })
    }

    fn points<const COUNT: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[Commitment; COUNT], NormProofError> {
        let points = (0..COUNT).map(|_| self.point(field)).collect::<Result<Vec<_>, _>>()?;
        Ok(points.try_into().expect("as many as were read"))
    }

    fn scalar(&mut self, field: &'static str) -> Result<Scalar, NormProofError> {
        let scalar: Option<Scalar> = Scalar::from_canonical_bytes(self.take()).into();
        scalar.ok_or(NormProofError::Encoding { field })
    }

    fn scalars(&mut self, count: usize, field: &'static str) -> Result<Vec<Scalar>, NormProofError> {
        (0..count).map(|_| self.scalar(field)).collect()
    }

    fn scalar_array<const COUNT: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[Scalar; COUNT], NormProofError> {
        Ok(self.scalars(COUNT, field)?.try_into().expect("as many as were read"))
    }
}
