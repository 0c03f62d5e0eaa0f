//! Rounds: finding one, accepting its document, fetching its model.

use api::{
    paths,
    rounds::{RoundView, SignedRound},
};
use names::RoundId;
use protocol::{Signature, SignedDocument, VerifiedRound};
use sha2::{Digest, Sha256};

use crate::{Client, ClientError};

impl Client {
    /// All rounds, page after page.
    ///
    /// # Errors
    /// Those of any exchange.
    pub async fn rounds(&self) -> Result<Vec<RoundView>, ClientError> {
        self.all(paths::ROUNDS, "a page of rounds").await
    }

    /// One round with its progress.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found`, and the errors of any exchange.
    pub async fn round(&self, id: RoundId) -> Result<RoundView, ClientError> {
        self.transport.json(&paths::fill(paths::ROUND, &[&id]), "a round").await
    }

    /// Fetches a round's document and accepts it: its constants derived anew, every rule kept, signed by the
    /// pinned aggregator and countersigned by every pinned combiner. Whether the round takes contributions
    /// now is another question.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::Mismatch`], and the errors of any exchange.
    pub async fn open_round(&self, id: RoundId) -> Result<VerifiedRound, ClientError> {
        let path = paths::fill(paths::ROUND_DOCUMENT, &[&id]);
        let SignedRound { document, aggregator_signature, countersignatures } =
            self.transport.json(&path, "a signed round document").await?;
        let signed = SignedDocument {
            document: document.0,
            aggregator_signature: Signature(aggregator_signature.0),
            countersignatures: countersignatures
                .into_iter()
                .map(|signature| Signature(signature.0))
                .collect(),
        };
        let round = signed.verify(&self.pins).map_err(ClientError::refused("round document"))?;
        if round.document().round_id == id {
            Ok(round)
        } else {
            Err(ClientError::Mismatch { what: "round document", field: "round_id" })
        }
    }

    /// The bytes of the model that the round starts from.
    ///
    /// # Errors
    /// [`ClientError::Mismatch`] when they are not those that the document names, and the errors of any
    /// exchange.
    pub async fn model(&self, round: &VerifiedRound) -> Result<Vec<u8>, ClientError> {
        let document = round.document();
        let bytes = self.transport.bytes(&document.model_location, document.model_bytes).await?;
        if bytes.len() as u64 != document.model_bytes {
            return Err(ClientError::Mismatch { what: "model", field: "length" });
        }
        if Sha256::digest(&bytes)[..] != *document.model_digest.as_bytes() {
            return Err(ClientError::Mismatch { what: "model", field: "digest" });
        }
        Ok(bytes.into())
    }
}
