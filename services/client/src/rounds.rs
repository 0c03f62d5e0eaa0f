//! Rounds: list them, accept a document, fetch a model.

use api::{
    HexBytes, paths,
    rounds::{RoundView, SignedRound},
};
use names::RoundId;
use protocol::{Canonical, Signature, SignedDocument, Unreleased, VerifiedRound, check_unreleased};
use sha2::{Digest, Sha256};

use crate::{Client, ClientError, address::model_url, sent_updates::Owner};

impl Client {
    /// All rounds of the aggregator with their progress. The answer is not signed.
    ///
    /// # Errors
    /// Those of any exchange.
    pub async fn rounds(&self) -> Result<Vec<RoundView>, ClientError> {
        self.all(paths::ROUNDS, "a page of rounds").await
    }

    /// The state and progress of a round. The answer is not signed.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found`, and the errors of any exchange.
    pub async fn round(&self, id: RoundId) -> Result<RoundView, ClientError> {
        self.transport.json(&paths::fill(paths::ROUND, &[&id]), "a round").await
    }

    /// Fetches the document of a round and verifies it. The pinned aggregator must have signed it,
    /// and every pinned combiner must have countersigned it. Every rule for documents must hold,
    /// and the constants must be those that this client derives.
    ///
    /// This checks neither this client's [`Floors`](crate::Floors) nor whether the round takes
    /// contributions now.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when a signature or a rule does not hold, [`ClientError::Mismatch`]
    /// when the document is of another round, and the errors of any exchange.
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
        if round.document().round_id != id {
            return Err(ClientError::Mismatch { what: "round document", field: "round_id" });
        }
        Ok(round)
    }

    /// Checks that a round keeps to this client's [`Floors`](crate::Floors).
    /// [`prepare`](Self::prepare) checks it too. A participant that trains first may check it
    /// before.
    ///
    /// # Errors
    /// [`ClientError::CohortFloor`], [`ClientError::EffectiveFloor`], [`ClientError::ShareFloor`],
    /// [`ClientError::ProofFloor`].
    pub fn check_floors(&self, round: &VerifiedRound) -> Result<(), ClientError> {
        self.floors.check(round)
    }

    /// Whether all combiners of a round have stated that nothing of it was released. The statements
    /// are signed, so the aggregator that forwards them cannot invent one.
    pub(crate) async fn is_unreleased(&self, owner: Owner) -> Result<bool, ClientError> {
        let asked = tokio::try_join!(self.open_round(owner.round_id), self.round(owner.round_id));
        let (round, view) = match asked {
            // The list of sent updates may also name rounds of another aggregator.
            Err(error) if !error.is_retryable() => return Ok(false),
            asked => asked?,
        };
        let statements: Result<Vec<_>, _> =
            view.unreleased.iter().map(|HexBytes(bytes)| Unreleased::from_bytes(bytes)).collect();
        let stated = |statements: Vec<_>| check_unreleased(&round, &statements).is_ok();
        Ok(*round.hash() == owner.round_hash && statements.is_ok_and(stated))
    }

    /// Fetches the model that the round starts from. Checks its length and its digest.
    ///
    /// The document names the location and the length. Both must keep to the settings of this
    /// client ([`ModelSources`](crate::ModelSources)). No more than the stated length is read.
    ///
    /// # Errors
    /// [`ClientError::ModelLocation`] and [`ClientError::ModelTooLarge`] before anything is sent,
    /// [`ClientError::Mismatch`] when the bytes are not the model that the document names, and the
    /// errors of any exchange.
    pub async fn model(&self, round: &VerifiedRound) -> Result<Vec<u8>, ClientError> {
        let document = round.document();
        let (bytes, max_bytes) = (document.model_bytes, self.models.max_bytes);
        if bytes > max_bytes {
            return Err(ClientError::ModelTooLarge { bytes, max_bytes });
        }
        let url = model_url(self.transport.base(), &document.model_location, &self.models)?;
        let bytes = self.transport.bytes_at(url, document.model_bytes).await?;
        if bytes.len() as u64 != document.model_bytes {
            return Err(ClientError::Mismatch { what: "model", field: "length" });
        }
        if Sha256::digest(&bytes)[..] != *document.model_digest.as_bytes() {
            return Err(ClientError::Mismatch { what: "model", field: "digest" });
        }
        Ok(bytes.into())
    }
}
