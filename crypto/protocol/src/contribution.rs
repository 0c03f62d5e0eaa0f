//! A contribution on the wire: header, sealed seeds, proof, body.

use names::{
    BodyDigest, ContributionId, HeaderHash, ProofDigest, RoundHash, SealedDigest, TreeHash,
    labels::{self, Label},
};
use sha2::{Digest, Sha256};
use sharing::{Commitment, SealedSeed};

use crate::{
    Credential, Proof, Refusal, Signature, Signed,
    codec::{Canonical, DecodeError, Reader, Writer},
};

/// The longest header that is read, in bytes.
pub const MAX_HEADER_BYTES: usize = 4096;
/// The longest proof that is read, in bytes.
pub const MAX_PROOF_BYTES: u32 = norm_proof::PROOF_BYTES as u32;
/// The most holders in a round.
const MAX_HOLDERS: u8 = 8;

/// The signed description of a contribution. It binds every other byte by a digest. It is published
/// in the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContributionHeader {
    /// The hash of the round document.
    pub round_hash: RoundHash,
    /// The name that the client gave to this contribution.
    pub contribution_id: ContributionId,
    /// The participant and its key, signed by the registrar.
    pub credential: Credential,
    /// The public weight with which the contribution counts in the mean.
    pub weight: u32,
    /// How much the client clipped its update, in steps that the round defines. No round of this
    /// version asks for it, so it is absent.
    pub clip_step: Option<u8>,
    /// The root of a trace of the client's training. No round of this version asks for it, so it is
    /// absent.
    pub trace_root: Option<TreeHash>,
    /// The Merkle root over the digests of the body's chunks.
    pub body_digest: BodyDigest,
    /// The commitment P^h to the share of each holder, in the order of the holders.
    pub commitments: Vec<Commitment>,
    /// The digest of the sealed seeds.
    pub sealed_digest: SealedDigest,
    /// The kind of the proof.
    pub proof: Proof,
    /// The length of the proof in bytes.
    pub proof_bytes: u32,
    /// The SHA-256 of the proof's bytes.
    pub proof_digest: ProofDigest,
    /// The signature by the credential's key.
    pub signature: Signature,
}

impl ContributionHeader {
    /// `H("contribution-header", header)`: the leaf of the set root.
    pub fn hash(&self) -> HeaderHash {
        labels::hash(labels::CONTRIBUTION_HEADER, &[&self.to_bytes()])
    }

    /// Checks that `proof` is the one that the header binds.
    ///
    /// # Errors
    /// [`Refusal::Digest`].
    pub fn check_proof_digest(&self, proof: &[u8]) -> Result<(), Refusal> {
        if proof.len() == self.proof_bytes as usize && proof_digest(proof) == self.proof_digest {
            Ok(())
        } else {
            Err(Refusal::Digest { of: "proof" })
        }
    }
}

/// SHA-256 of a proof's bytes.
pub fn proof_digest(proof: &[u8]) -> ProofDigest {
    ProofDigest::from_bytes(Sha256::digest(proof).into())
}

impl Signed for ContributionHeader {
    const LABEL: Label = labels::CONTRIBUTION;
    const NAME: &'static str = "contribution";

    fn signature(&mut self) -> &mut Signature {
        &mut self.signature
    }
}

impl Canonical for ContributionHeader {
    fn write(&self, writer: &mut Writer) {
        writer.tag(b"BSCH");
        writer.name(&self.round_hash);
        writer.name(&self.contribution_id);
        self.credential.write(writer);
        writer.u32(self.weight);
        writer.optional(self.clip_step.as_ref(), |writer, &step| writer.u8(step));
        writer.optional(self.trace_root.as_ref(), |writer, root| writer.name(root));
        writer.name(&self.body_digest);
        writer.u8(u8::try_from(self.commitments.len()).expect("a round has at most 8 holders"));
        self.commitments.iter().for_each(|commitment| writer.name(&commitment.encoded()));
        writer.name(&self.sealed_digest);
        writer.u8(self.proof as u8);
        writer.u32(self.proof_bytes);
        writer.name(&self.proof_digest);
        writer.raw(&self.signature.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.tag(b"BSCH")?;
        Ok(Self {
            round_hash: reader.name("round_hash")?,
            contribution_id: reader.name("contribution_id")?,
            credential: Credential::read(reader)?,
            weight: reader.u32("weight")?,
            clip_step: reader.optional("clip_step", |reader| reader.u8("clip_step"))?,
            trace_root: reader.optional("trace_root", |reader| reader.name("trace_root"))?,
            body_digest: reader.name("body_digest")?,
            commitments: read_commitments(reader)?,
            sealed_digest: reader.name("sealed_digest")?,
            proof: Proof::read(reader)?,
            proof_bytes: reader.u32("proof_bytes")?,
            proof_digest: reader.name("proof_digest")?,
            signature: Signature::read(reader)?,
        })
    }
}

fn read_commitments(reader: &mut Reader<'_>) -> Result<Vec<Commitment>, DecodeError> {
    let range = DecodeError::Range { field: "commitments" };
    let count = reader.u8("commitments")?;
    if !(2..=MAX_HOLDERS).contains(&count) {
        return Err(range);
    }
    (0..count).map(|_| Commitment::decode(&reader.name("commitments")?).map_err(|_| range)).collect()
}

/// The seeds of a contribution's shares, each sealed to its holder. They are never published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSeeds(pub Vec<SealedSeed>);

impl SealedSeeds {
    /// `H("sealed-seeds", …)`, which the header binds.
    pub fn digest(&self) -> SealedDigest {
        Self::digest_of(&self.to_bytes())
    }

    /// The digest of bytes that stand in the place of sealed seeds. They may be malformed.
    pub fn digest_of(bytes: &[u8]) -> SealedDigest {
        labels::hash(labels::SEALED_SEEDS, &[bytes])
    }
}

impl Canonical for SealedSeeds {
    fn write(&self, writer: &mut Writer) {
        self.0.iter().for_each(|sealed| writer.raw(&sealed.0));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut seeds = Vec::new();
        while !reader.is_empty() && seeds.len() < usize::from(MAX_HOLDERS) {
            seeds.push(SealedSeed(reader.array("sealed_seeds")?));
        }
        Ok(Self(seeds))
    }
}

/// The part of an upload before the body. Its length does not grow with the dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagePrefix {
    /// The signed header.
    pub header: ContributionHeader,
    /// The sealed seeds.
    pub sealed: SealedSeeds,
    /// The bytes of the proof. Empty if the round demands no proof.
    pub proof: Vec<u8>,
}

impl MessagePrefix {
    /// The length of the header as `u32`, the header, the sealed seeds, the proof.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = self.header.to_bytes();
        let length = u32::try_from(header.len()).expect("a header is shorter than 4096 bytes");
        [&length.to_le_bytes()[..], &header, &self.sealed.to_bytes(), &self.proof].concat()
    }

    /// Computes the length of the prefix from its first bytes. Only the whole header determines it.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when the header is too long or not canonical, or the proof too long.
    pub fn length(bytes: &[u8]) -> Result<PrefixLength, Refusal> {
        let malformed = Refusal::malformed("contribution header");
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
            return Ok(PrefixLength::AtLeast(4));
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_HEADER_BYTES {
            return Err(malformed(DecodeError::Range { field: "header length" }));
        }
        let Some(header) = rest.get(..length) else {
            return Ok(PrefixLength::AtLeast(4 + length));
        };
        let header = ContributionHeader::from_bytes(header).map_err(&malformed)?;
        if header.proof_bytes > MAX_PROOF_BYTES {
            return Err(malformed(DecodeError::Range { field: "proof_bytes" }));
        }
        let total = 4 + length + SealedSeed::BYTES * header.commitments.len() + header.proof_bytes as usize;
        Ok(PrefixLength::Exactly(total))
    }

    /// Decodes exactly these bytes. Checks sealed seeds and proof against the digests in the
    /// header.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Digest`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = Refusal::malformed("contribution header");
        let mut reader = Reader::new(bytes);
        let length = reader.u32("header length").map_err(&malformed)? as usize;
        let header =
            reader.slice(length, "header").and_then(ContributionHeader::from_bytes).map_err(&malformed)?;
        let sealed = reader
            .slice(SealedSeed::BYTES * header.commitments.len(), "sealed_seeds")
            .and_then(SealedSeeds::from_bytes)
            .map_err(&malformed)?;
        let proof = reader.slice(header.proof_bytes as usize, "proof").map_err(&malformed)?.to_vec();
        if !reader.is_empty() {
            return Err(malformed(DecodeError::Range { field: "prefix length" }));
        }
        if sealed.digest() != header.sealed_digest {
            return Err(Refusal::Digest { of: "sealed seeds" });
        }
        header.check_proof_digest(&proof)?;
        Ok(Self { header, sealed, proof })
    }
}

/// The length of a prefix in bytes, as far as its first bytes determine it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixLength {
    /// The prefix is at least this long. More bytes are needed to say how long.
    AtLeast(usize),
    /// The prefix has exactly this length.
    Exactly(usize),
}
