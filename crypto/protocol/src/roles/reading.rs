//! Reading a body for its norm proof. The aggregator and a combiner do it alike.

use lattice::SummingBackend;
use names::BodyDigest;
use norm_proof::{GroupEquations, NormProofError, Verifying};
use rand::{CryptoRng, RngCore};
use thiserror::Error;

use super::aggregator::{begin_proof, refused_proof};
use crate::{BodyDigester, ContributionHeader, Refusal, VerifiedRound};

/// Why a body could not be read to its end. This says nothing about the proof.
#[derive(Debug, Error)]
pub enum ReadingError {
    /// The bytes are not the body that the participant signed.
    #[error("the bytes are not the body that its participant signed")]
    Bytes(#[source] Refusal),
    /// The verifier failed.
    #[error("the verifier failed")]
    Verifier(#[source] NormProofError),
}

/// A contribution whose body is being read, piece by piece.
pub struct BodyReading {
    verifying: Verifying,
    digester: BodyDigester,
    expected: BodyDigest,
}

impl BodyReading {
    /// Begins to read the body of this header, for this proof.
    ///
    /// # Errors
    /// Those of [`begin_proof`].
    pub fn begin(round: &VerifiedRound, header: &ContributionHeader, proof: &[u8]) -> Result<Self, Refusal> {
        let verifying = begin_proof(round, header, proof)?;
        Ok(Self { verifying, digester: BodyDigester::new(round.constants()), expected: header.body_digest })
    }

    /// Reads the next piece. Each but the last must end at the end of a block.
    ///
    /// # Errors
    /// [`ReadingError`]. Nothing can be read after that.
    pub fn read(&mut self, backend: &dyn SummingBackend, piece: &[u8]) -> Result<(), ReadingError> {
        self.digester.push(piece).map_err(ReadingError::Bytes)?;
        self.verifying.read(backend, piece).map_err(|error| match (&error, self.digester.missing()) {
            // Only a body that is too short ends inside a block.
            (NormProofError::Sequence { .. }, Some(short)) => ReadingError::Bytes(short),
            _ => ReadingError::Verifier(error),
        })
    }

    /// Checks the proof, but for its group equations. The inner error is its refusal.
    ///
    /// # Errors
    /// [`ReadingError`] if bytes are missing, or if they are not those that the participant signed.
    pub fn finish(
        self,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Result<Result<GroupEquations, Refusal>, ReadingError> {
        if self.digester.finish().map_err(ReadingError::Bytes)? != self.expected {
            return Err(ReadingError::Bytes(Refusal::Digest { of: "body" }));
        }
        match self.verifying.finish(rng) {
            Ok(equations) => Ok(Ok(equations)),
            Err(error) => refused_proof(&error).map(Err).ok_or(ReadingError::Verifier(error)),
        }
    }
}
