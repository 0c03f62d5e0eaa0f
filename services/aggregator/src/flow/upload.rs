//! Receiving a contribution: checked as it streams by, durable before the receipt, at most once for each participant.

use std::time::Duration;

use api::{ProblemKind, contributions::ContributionView, rounds::RoundState};
use axum::body::Body;
use bytes::BytesMut;
use kit::{Error, Result, time::Timestamp, tx::run_tx};
use names::{ContributionId, RoundHash, RoundId};
use protocol::{
    BodyDigester, BodyDigests, Canonical, ContributionHeader, MAX_HEADER_BYTES, MAX_PROOF_BYTES,
    MessagePrefix, Receipt, Refusal, Signature, Signed, VerifiedRound,
};
use sharing::SealedSeed;

use super::{contributions::view, incoming::Incoming, reputation, rounds};
use crate::{
    metrics,
    state::App,
    store::{
        self,
        contributions::{self, ContributionRow, NewContribution},
        jobs::{self, Kind},
        participants,
    },
};

/// The longest header, sealed seeds for 8 holders, the longest proof.
const LONGEST_PREFIX: u64 =
    4 + MAX_HEADER_BYTES as u64 + 8 * SealedSeed::BYTES as u64 + MAX_PROOF_BYTES as u64;

/// Whether the upload was stored now or earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Now,
    Before,
}

/// Receives a contribution of `length` bytes. The same bytes again give the same receipt; a refused upload leaves
/// nothing behind but a count.
pub(crate) async fn put(
    app: &App,
    round_id: RoundId,
    contribution_id: ContributionId,
    length: Option<u64>,
    body: Body,
) -> Result<(Stored, ContributionView)> {
    let round = rounds::find(app, round_id).await?;
    let mut incoming = Incoming::new(body, Duration::from_millis(app.limits.upload_idle_timeout_ms));
    let upload = Upload { app, round: rounds::verified(&round)?, round_id, contribution_id };
    let outcome = upload.receive(round.state.0, length, &mut incoming).await;
    match &outcome {
        Ok(_) => metrics::upload_received(),
        Err(error) => {
            let reason = error.kind().code();
            metrics::upload_refused(reason);
            if matches!(error, Error::Abort(_)) {
                store::rounds::count_refusal(&app.db, &round_id, reason, app.now()).await?;
                incoming.drain().await;
            }
        }
    }
    outcome.map(|(stored, row)| (stored, view(row)))
}

/// One upload.
struct Upload<'a> {
    app: &'a App,
    round: VerifiedRound,
    round_id: RoundId,
    contribution_id: ContributionId,
}

impl Upload<'_> {
    async fn receive(
        &self,
        state: RoundState,
        length: Option<u64>,
        incoming: &mut Incoming,
    ) -> Result<(Stored, ContributionRow)> {
        let db = &self.app.db;
        let length = self.plausible_length(length)?;
        // One timeout for all of the prefix, so that nobody stays here by sending a byte now and then.
        let idle = Duration::from_millis(self.app.limits.upload_idle_timeout_ms);
        let prefix = tokio::time::timeout(idle, incoming.prefix()).await;
        let (prefix, prefix_bytes) = prefix.map_err(|_| Error::abort(ProblemKind::RequestTimeout))??;
        self.check_prefix(&prefix, prefix_bytes, length)?;
        // Places are for participants: whoever has no credential cannot occupy one.
        let subject = prefix.header.credential.subject.as_str();
        let _place = self.app.places.take(subject, self.may_wait(state, &prefix.header)).await?;
        let admitted = self.admit(state, &prefix.header).await;
        // Only now: what an identical upload has stored meanwhile may be the reason why this one is not admitted.
        if let Some(row) = contributions::find(db, &self.round_id, &self.contribution_id).await? {
            self.same(&row, &prefix.header)?;
            self.digest(incoming, &prefix.header, None).await?;
            return Ok((Stored::Before, row));
        }
        admitted?;
        let location = self.location(&prefix.header);
        let mut writing = self.app.blobs.write(&location).await?;
        let digests = match self.digest(incoming, &prefix.header, Some(&mut writing)).await {
            Ok(digests) => digests,
            Err(error) => {
                writing.abort().await;
                return Err(error);
            }
        };
        writing.finish().await?;
        let recorded = self.record(&prefix, &location, &digests).await;
        // After a fault the row may be there: a commit whose answer was lost. Then its object has to be there too.
        if matches!(recorded, Ok((Stored::Before, _)) | Err(Error::Abort(_))) {
            self.app.blobs.delete(&location).await?;
        }
        recorded
    }

    /// Whether it makes sense to wait: the round takes this contribution, or has it already.
    async fn may_wait(&self, state: RoundState, header: &ContributionHeader) -> Result<()> {
        match self.admit(state, header).await {
            Err(refused) => {
                let row = contributions::find(&self.app.db, &self.round_id, &self.contribution_id).await?;
                row.map(drop).ok_or(refused)
            }
            admitted => admitted,
        }
    }

    fn plausible_length(&self, length: Option<u64>) -> Result<u64> {
        let body = self.round.constants().body_bytes();
        let prefix = LONGEST_PREFIX;
        let rule = format!("a Content-Length of {body} and at most {prefix} bytes more");
        match length {
            Some(length) if (body..=body + prefix).contains(&length) => Ok(length),
            _ => Err(Error::abort(ProblemKind::LengthMismatch).field("Content-Length", rule)),
        }
    }

    fn check_prefix(&self, prefix: &MessagePrefix, prefix_bytes: u64, length: u64) -> Result<()> {
        let header = &prefix.header;
        if header.contribution_id != self.contribution_id {
            let rule = "the identifier that the header states";
            return Err(Error::abort(ProblemKind::MalformedRequest).field("contribution", rule));
        }
        self.round.check_header(header)?;
        let expected = prefix_bytes + self.round.constants().body_bytes();
        if length != expected {
            return Err(Refusal::BodyLength { expected, found: length }.into());
        }
        Ok(())
    }

    /// An identifier belongs to one message.
    fn same(&self, row: &ContributionRow, header: &ContributionHeader) -> Result<()> {
        if row.header_hash.0 == header.hash() {
            Ok(())
        } else {
            Err(Error::abort(ProblemKind::ContributionConflict))
        }
    }

    /// Whether the round takes this contribution, as things are before its body is read.
    async fn admit(&self, state: RoundState, header: &ContributionHeader) -> Result<()> {
        let db = &self.app.db;
        if !participants::is_enrolled(db, &header.credential).await? {
            return Err(Error::abort(ProblemKind::UnknownParticipant));
        }
        self.check_open(state)?;
        self.check_reputation(header).await?;
        if store::rounds::is_full(db, &self.round_id).await? {
            return Err(Error::abort(ProblemKind::RoundFull));
        }
        self.check_standing(db, header).await
    }

    fn check_open(&self, state: RoundState) -> Result<()> {
        let document = self.round.document();
        let now = self.app.now().ms();
        if state == RoundState::Open && (document.opens_at_ms..=document.closes_at_ms).contains(&now) {
            Ok(())
        } else {
            Err(Error::abort(ProblemKind::RoundNotOpen))
        }
    }

    /// A participant has one reputation in a round, so this needs no repetition when the contribution is recorded.
    async fn check_reputation(&self, header: &ContributionHeader) -> Result<()> {
        let min = self.round.document().min_reputation_ppm;
        if min == 0 {
            return Ok(());
        }
        let subject = header.credential.subject.as_str();
        let at = store::reputation::position(&self.app.db, &self.round_id).await?;
        let reputation = reputation::in_round(&self.app.db, &[subject], at).await?;
        match reputation.get(subject) {
            Some(&found) if found >= min => Ok(()),
            found => {
                let found = found.copied().unwrap_or_default();
                let detail = format!("{found} millionths; the round demands {min}");
                Err(Error::abort(ProblemKind::ReputationTooLow).detail(detail))
            }
        }
    }

    async fn check_standing(&self, db: impl sqlx::PgExecutor<'_>, header: &ContributionHeader) -> Result<()> {
        let standing =
            contributions::standing(db, &self.round_id, header.credential.subject.as_str()).await?;
        if standing.active {
            return Err(Error::abort(ProblemKind::AlreadyContributed));
        }
        if standing.sent >= i64::from(self.round.document().max_attempts) {
            return Err(Error::abort(ProblemKind::AttemptsExhausted));
        }
        Ok(())
    }

    /// Every upload writes an object of its own, so that one that fails never takes another's bytes with it.
    fn location(&self, header: &ContributionHeader) -> String {
        let id = self.contribution_id.to_string();
        let attempt = uuid::Uuid::now_v7().simple();
        format!("{}/{id}-{}-{attempt}", bodies(self.round.hash()), header.hash())
    }

    /// Reads the body to its end, part by part, checks it and, if wanted, stores it.
    async fn digest(
        &self,
        incoming: &mut Incoming,
        header: &ContributionHeader,
        mut writing: Option<&mut crate::blobs::Writing>,
    ) -> Result<BodyDigests> {
        let mut digester = BodyDigester::new(self.round.constants());
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(self.app.blobs.part_bytes());
            let part = incoming.part(&mut buffer, self.app.blobs.part_bytes()).await?;
            if part.is_empty() {
                break;
            }
            let pushed = part.clone();
            let digesting = self.app.compute.run(move || {
                let outcome = digester.push(&pushed);
                (digester, outcome)
            });
            let storing = async {
                match &mut writing {
                    Some(writing) => writing.store_part(part).await,
                    None => Ok(()),
                }
            };
            let ((returned, outcome), ()) = futures::try_join!(digesting, storing)?;
            outcome?;
            digester = returned;
        }
        let digests = digester.finish_chunks()?;
        if digests.body() == header.body_digest {
            Ok(digests)
        } else {
            Err(Refusal::Digest { of: "body" }.into())
        }
    }

    /// Row, event, job and receipt, in one transaction; or the row that an identical upload has written meanwhile.
    async fn record(
        &self,
        prefix: &MessagePrefix,
        location: &str,
        digests: &BodyDigests,
    ) -> Result<(Stored, ContributionRow)> {
        let now = self.app.now();
        let receipt = self.receipt(&prefix.header, now).to_bytes();
        let new = NewContribution {
            round_id: &self.round_id,
            header: &prefix.header,
            header_hash: &prefix.header.hash(),
            header_bytes: &prefix.header.to_bytes(),
            sealed_seeds: &prefix.sealed.to_bytes(),
            proof: &prefix.proof,
            body_object_name: location,
            chunk_digests: &digests.to_bytes(),
            receipt: &receipt,
            received_at: now,
        };
        let recorded = run_tx(&self.app.db, "upload", async |mut tx| {
            let recorded = self.record_in(&mut tx, &new).await?;
            Ok((tx, recorded))
        });
        let recorded = recorded.await?;
        self.app.work.notify_one();
        Ok(recorded)
    }

    async fn record_in(
        &self,
        tx: &mut sqlx::PgConnection,
        new: &NewContribution<'_>,
    ) -> Result<(Stored, ContributionRow)> {
        let round = store::rounds::lock(tx, &self.round_id).await?;
        let round = round.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
        if let Some(row) = contributions::find(&mut *tx, &self.round_id, &self.contribution_id).await? {
            return self.same(&row, new.header).map(|()| (Stored::Before, row));
        }
        self.check_open(round.state.0)?;
        self.check_standing(&mut *tx, new.header).await?;
        if !store::rounds::take_capacity(tx, &self.round_id, new.received_at).await? {
            return Err(Error::abort(ProblemKind::RoundFull));
        }
        contributions::insert(tx, new).await?;
        let key = [self.contribution_id.to_string()];
        jobs::enqueue(tx, Kind::Verify, &self.round_id, &key, new.received_at, new.received_at).await?;
        let row = contributions::find(tx, &self.round_id, &self.contribution_id).await?;
        row.map(|row| (Stored::Now, row)).ok_or_else(|| Error::fault("a row just written is missing"))
    }

    fn receipt(&self, header: &ContributionHeader, now: Timestamp) -> Receipt {
        Receipt {
            round_hash: *self.round.hash(),
            contribution_id: self.contribution_id,
            header_hash: header.hash(),
            received_at_ms: now.ms(),
            included_by_ms: now.ms().saturating_add_unsigned(self.app.record.inclusion_delay_ms),
            signature: Signature::BLANK,
        }
        .sign(&self.app.identity)
    }
}

/// Where the bodies of a round are, in the object store.
pub(crate) fn bodies(round_hash: &RoundHash) -> String {
    format!("rounds/{}/contributions", round_hash)
}
