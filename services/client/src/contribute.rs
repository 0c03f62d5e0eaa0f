//! Contributing: prepare a message, deliver it, store the receipt.

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
    /// Its id, drawn at random by the client.
    pub id: ContributionId,
    /// The aggregator's signed promise to record the contribution. It is also stored in the state
    /// folder.
    pub receipt: Receipt,
    /// Length of the message, prefix and body.
    pub bytes: u64,
    /// Time from the first byte sent to the receipt, including repetitions.
    pub upload_time: Duration,
    /// How the message was made. `None` when it was left over from an earlier run.
    pub preparation: Option<Preparation>,
}

impl Client {
    /// Contributes `weight · update` to a round and returns once the aggregator has stored it.
    ///
    /// If an earlier run finished a message for this round and participant but did not deliver it,
    /// that message is sent instead, unchanged. Then [`Contribution::preparation`] is `None`.
    /// Undelivered messages for other rounds are deleted once those rounds take no more
    /// contributions.
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

    /// Deletes the messages of this participant whose rounds take no more contributions.
    async fn clear_outbox(&self, participant: &Participant) -> Result<(), ClientError> {
        for message in self.outbox.messages(&participant.identity.public())? {
            match self.is_over(&message).await {
                Ok(true) => message.remove()?,
                Err(error) if error.is_retryable() => return Err(error),
                // The folder may also hold messages for another aggregator. This one does not know
                // their rounds, so they stay.
                Ok(false) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Whether the round of a message takes no more contributions. If the aggregator did store the
    /// message and only its answer was lost, the receipt is fetched and stored.
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

    /// Delivers the message that an earlier run of this participant left in the outbox for this
    /// round. Returns `None` when there is no such message.
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

    /// Uploads a prepared contribution and stores the receipt. Every attempt sends the same bytes.
    ///
    /// The message leaves the outbox when the receipt is stored, or when the aggregator refuses the
    /// message for good. After any other failure it stays, and [`contribute`](Self::contribute) or
    /// [`resume`](Self::resume) sends it again.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the aggregator's reason. [`ClientError::Refused`] and
    /// [`ClientError::Mismatch`] when the receipt does not verify. Also the errors of any exchange.
    pub async fn deliver(
        &self,
        round: &VerifiedRound,
        prepared: Prepared,
        progress: ProgressFn,
    ) -> Result<Contribution, ClientError> {
        self.send(round, prepared.message, Some(prepared.preparation), progress).await
    }

    /// Waits until the receipts of this client's contributions are handed to the combiners whose
    /// addresses it knows ([`ClientConfig::combiner_urls`](crate::ClientConfig::combiner_urls)), at
    /// most for `limit`. A program calls this before it ends.
    pub async fn finish_handing_over(&self, limit: Duration) {
        self.handing.finish(limit).await;
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
        self.handing.start(&message.header, &receipt);
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

    /// Decodes the receipt. Checks that the pinned aggregator signed it for exactly this
    /// contribution.
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
