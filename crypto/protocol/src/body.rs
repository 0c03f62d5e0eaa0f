//! The body of a contribution, checked as it streams by: length, canonical words, digests of
//! chunks.

use lattice::{CHUNK_COEFFICIENTS, Width, pack};
use masking::RoundConstants;
use names::{BodyDigest, ChunkDigest, Name, SumDigest};

use crate::Refusal;

/// Checks and digests a body in one pass over slices of any length. It keeps 32 bytes of each
/// chunk.
pub struct BodyDigester {
    width: Width,
    expected_bytes: u64,
    received_bytes: u64,
    chunk_bytes: u64,
    chunk: u64,
    hasher: blake3::Hasher,
    digests: BodyDigests,
    carry: Vec<u8>,
}

impl BodyDigester {
    /// A digester for bodies of a round with these constants.
    pub fn new(constants: &RoundConstants) -> Self {
        let width = constants.width();
        Self {
            width,
            expected_bytes: constants.body_bytes(),
            received_bytes: 0,
            chunk_bytes: width.bytes(CHUNK_COEFFICIENTS) as u64,
            chunk: 0,
            hasher: blake3::Hasher::new(),
            digests: BodyDigests::default(),
            carry: Vec::new(),
        }
    }

    /// Takes the next bytes of the body.
    ///
    /// # Errors
    /// [`Refusal::BodyLength`] when the body is too long. [`Refusal::BodyNotCanonical`] at a word
    /// outside the ring.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        self.received_bytes += bytes.len() as u64;
        if self.received_bytes > self.expected_bytes {
            return Err(Refusal::BodyLength { expected: self.expected_bytes, found: self.received_bytes });
        }
        while !bytes.is_empty() {
            let left_in_chunk = self.chunk_bytes - self.hasher.count();
            let (now, later) =
                bytes.split_at(bytes.len().min(usize::try_from(left_in_chunk).unwrap_or(usize::MAX)));
            self.check_words(now)?;
            self.hasher.update(now);
            if self.hasher.count() == self.chunk_bytes {
                self.finish_chunk();
            }
            bytes = later;
        }
        Ok(())
    }

    /// The refusal of a body that ends here. `None` if no byte is missing.
    pub(crate) fn missing(&self) -> Option<Refusal> {
        let (expected, found) = (self.expected_bytes, self.received_bytes);
        (found != expected).then_some(Refusal::BodyLength { expected, found })
    }

    /// The body digest.
    ///
    /// # Errors
    /// [`Refusal::BodyLength`] when bytes are missing.
    pub fn finish(self) -> Result<BodyDigest, Refusal> {
        self.finish_chunks().map(|digests| digests.body())
    }

    /// The digests of the body's chunks.
    ///
    /// # Errors
    /// [`Refusal::BodyLength`] when bytes are missing.
    pub fn finish_chunks(mut self) -> Result<BodyDigests, Refusal> {
        if let Some(refusal) = self.missing() {
            return Err(refusal);
        }
        if self.hasher.count() > 0 {
            self.finish_chunk();
        }
        Ok(self.digests)
    }

    fn finish_chunk(&mut self) {
        self.digests.0.push(ChunkDigest::from_bytes(self.hasher.finalize().into()));
        self.hasher.reset();
        self.chunk += 1;
    }

    /// Checks words in whole groups of 64. An incomplete group waits in `carry`. A chunk is a whole
    /// number of groups.
    fn check_words(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        let group_bytes = self.width.bytes(64);
        if !self.carry.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(group_bytes - self.carry.len()));
            self.carry.extend_from_slice(head);
            bytes = tail;
            if self.carry.len() == group_bytes {
                self.check_groups(&self.carry)?;
                self.carry.clear();
            }
        }
        let (groups, rest) = bytes.split_at(bytes.len() - bytes.len() % group_bytes);
        self.check_groups(groups)?;
        self.carry.extend_from_slice(rest);
        Ok(())
    }

    fn check_groups(&self, groups: &[u8]) -> Result<(), Refusal> {
        match pack::first_noncanonical(self.width, groups) {
            None => Ok(()),
            Some(_) => Err(Refusal::BodyNotCanonical { chunk: self.chunk }),
        }
    }
}

/// The BLAKE3 digests of a body's chunks, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyDigests(Vec<ChunkDigest>);

impl BodyDigests {
    /// The digests in order, without anything between them.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|digest| digest.to_bytes()).collect()
    }

    /// Reads the bytes that [`to_bytes`](Self::to_bytes) writes. `None` if the last digest is cut
    /// off.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (digests, rest) = bytes.as_chunks::<{ ChunkDigest::LENGTH }>();
        rest.is_empty().then(|| Self(digests.iter().copied().map(ChunkDigest::from).collect()))
    }

    /// The body digest: the Merkle root over the digests of the chunks.
    pub fn body(&self) -> BodyDigest {
        ledger::root(&self.0).to_bytes().into()
    }

    /// Whether these bytes are the chunk of the body with this index.
    pub fn is_chunk(&self, chunk: usize, bytes: &[u8]) -> bool {
        self.0.get(chunk).is_some_and(|digest| *digest == chunk_digest(bytes))
    }
}

/// Computes the digest of a sum, chunk by chunk: the Merkle root over the BLAKE3 digests of its
/// chunks.
#[derive(Default)]
pub struct SumDigester(ledger::RootBuilder);

impl SumDigester {
    /// Takes the digest of the next chunk, see [`chunk_digest`].
    pub fn push(&mut self, digest: &ChunkDigest) {
        self.0.push(digest.as_bytes());
    }

    /// The digest of the sum.
    pub fn finish(self) -> SumDigest {
        self.0.root().to_bytes().into()
    }
}

/// BLAKE3 of a chunk's bytes.
pub fn chunk_digest(bytes: &[u8]) -> ChunkDigest {
    ChunkDigest::from_bytes(blake3::hash(bytes).into())
}
