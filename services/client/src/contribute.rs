//! Contributing: prepare a message, deliver it, keep the receipt.

use std::time::{Duration, Instant};

use api::{ProblemKind, contributions::ContributionView, paths, rounds::RoundState};
use names::ContributionId;
use protocol::{Canonical, ContributionHeader, Receipt, Refusal, Signed, VerifiedRound};
use reqwest::{
    Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};

use crate::{
    Client, ClientError, Participant, Preparation, Prepared, ProgressFn,
    outbox::Message,
    transport::{SMALL_ANSWER, decode},
};

/// A contribution that the aggregator has stored.
#[derive(Debug)]
pub struct Contribution {
    /// Its name.
    pub id: ContributionId,
    /// The aggregator's signed promise; also kept in the state folder.
    pub receipt: Receipt,
    /// Length of the message.
    pub bytes: u64,
    /// Time from the first byte sent to the receipt, repetitions included.
    pub upload_time: Duration,
    /// How the message was made; none if it was left over from an earlier run.
    pub preparation: Option<Preparation>,
}

impl Client {
    /// Contributes `weight · update` to a round and returns once the aggregator has stored it.
    ///
    /// A message that an earlier run of this participant finished for the round and did not deliver is sent
    /// instead, as it is; [`Contribution::preparation`] tells. What such runs have left of other rounds is removed once these
    /// take no more.
    ///
    /// # Errors
    /// Those of [`prepare`](Self::prepare) and of [`deliver`](Self::deliver).
    pub async fn contribute(
        &self,
        round: &VerifiedRound,
        participant: &Participant,
        update: &[f32],
        weight: u32,
        progress: ProgressFn,
    ) -> Result<Contribution, ClientError> {
        let contribution = match self.resume(round, participant, progress.clone()).await? {
            Some(contribution) => contribution,
            None => {
                let prepared = self.prepare(round, participant, update, weight, progress.clone()).await?;
                self.deliver(round, prepared, progress).await?
            }
        };
        if let Err(error) = self.clear_outbox(participant).await {
            tracing::debug!(%error, "the outbox is cleared with a later contribution");
        }
        Ok(contribution)
    }

    /// Removes the messages of this participant whose rounds take no more.
    async fn clear_outbox(&self, participant: &Participant) -> Result<(), ClientError> {
        for message in self.outbox.messages(&participant.identity.public())? {
            match self.is_over(&message).await {
                Ok(true) => message.remove()?,
                Err(error) if error.is_retryable() => return Err(error),
                // The folder may also have messages for another aggregator, whose rounds this one does not know.
                Ok(false) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Whether a message's round takes no more. If the message was stored, and only the answer was lost, its receipt is kept.
    async fn is_over(&self, message: &Message) -> Result<bool, ClientError> {
        let round = self.round(message.round_id).await?;
        let takes_more = matches!(round.state, RoundState::Preparing | RoundState::Open);
        if takes_more || round.round_hash != message.header.round_hash {
            return Ok(false);
        }
        match self.status(message.round_id, message.header.contribution_id).await {
            Ok(view) => self.receipts.keep(&self.check_receipt(&view.receipt.0, &message.header)?)?,
            Err(error) if error.problem_kind() == Some(ProblemKind::NotFound) => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Delivers the message that an earlier run of this participant left in the outbox for the round, if
    /// there is one.
    ///
    /// # Errors
    /// Those of [`deliver`](Self::deliver).
    pub async fn resume(
        &self,
        round: &VerifiedRound,
        participant: &Participant,
        progress: ProgressFn,
    ) -> Result<Option<Contribution>, ClientError> {
        match self.outbox.find(round, &participant.identity.public())? {
            Some(message) => self.send(round, message, None, progress).await.map(Some),
            None => Ok(None),
        }
    }

    /// Uploads a prepared contribution, always with the same bytes, and keeps the receipt.
    ///
    /// The message leaves the outbox when the receipt is kept, or when the aggregator refuses it for good;
    /// after any other failure it stays, and [`contribute`](Self::contribute) or [`resume`](Self::resume)
    /// sends it again.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the aggregator's reason; [`ClientError::Refused`] and
    /// [`ClientError::Mismatch`] when the receipt does not verify; the errors of any exchange.
    pub async fn deliver(
        &self,
        round: &VerifiedRound,
        prepared: Prepared,
        progress: ProgressFn,
    ) -> Result<Contribution, ClientError> {
        self.send(round, prepared.message, Some(prepared.preparation), progress).await
    }

    async fn send(
        &self,
        round: &VerifiedRound,
        message: Message,
        preparation: Option<Preparation>,
        progress: ProgressFn,
    ) -> Result<Contribution, ClientError> {
        let start = Instant::now();
        let receipt = match self.upload(round, &message, &progress).await {
            Ok(receipt) => receipt,
            Err(error @ ClientError::Problem { .. }) if !error.is_retryable() => {
                message.remove()?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        self.receipts.keep(&receipt)?;
        message.remove()?;
        let id = receipt.contribution_id;
        Ok(Contribution { id, receipt, bytes: message.bytes(), upload_time: start.elapsed(), preparation })
    }

    async fn upload(
        &self,
        round: &VerifiedRound,
        message: &Message,
        progress: &ProgressFn,
    ) -> Result<Receipt, ClientError> {
        let (round_id, contribution_id) = (round.document().round_id, message.header.contribution_id);
        let path = paths::fill(paths::CONTRIBUTION, &[&round_id, &contribution_id]);
        let request = || {
            let request = self.transport.request(Method::PUT, &path)?;
            let request = request
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_LENGTH, message.bytes());
            Ok(request.body(message.stream(progress)?))
        };
        let answer = self.transport.exchange(request, message.bytes(), SMALL_ANSWER).await?;
        let view: ContributionView = decode(&answer, "a contribution")?;
        self.check_receipt(&view.receipt.0, &message.header)
    }

    /// The receipt, if the pinned aggregator signed it for exactly this contribution.
    fn check_receipt(&self, bytes: &[u8], header: &ContributionHeader) -> Result<Receipt, ClientError> {
        let what = "receipt";
        let receipt = Receipt::from_bytes(bytes)
            .map_err(Refusal::malformed(what))
            .and_then(|receipt| receipt.verify(&self.pins.aggregator).map(|()| receipt))
            .map_err(ClientError::refused(what))?;
        let matches =
            |holds: bool, field| if holds { Ok(()) } else { Err(ClientError::Mismatch { what, field }) };
        matches(receipt.round_hash == header.round_hash, "round_hash")?;
        matches(receipt.contribution_id == header.contribution_id, "contribution_id")?;
        matches(receipt.header_hash == header.hash(), "header_hash")?;
        Ok(receipt)
    }
}
