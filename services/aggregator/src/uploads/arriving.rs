//! The beginning of an upload: its prefix (header, sealed seeds, proof) is read and checked.

use std::time::Duration;

use api::{ProblemKind, rounds::RoundState};
use kit::{Error, Result, incoming::Incoming};
use names::{ContributionId, RoundId, Subject};
use protocol::{MAX_HEADER_BYTES, MAX_PROOF_BYTES, MessagePrefix, Refusal, VerifiedRound};
use sharing::SealedSeed;

use crate::{
    state::App,
    store::rounds::{Demand, RoundRow},
    stored_round,
};

/// The longest header, sealed seeds for 8 holders, the longest proof.
const LONGEST_PREFIX: u64 =
    4 + MAX_HEADER_BYTES as u64 + 8 * SealedSeed::BYTES as u64 + MAX_PROOF_BYTES as u64;

/// An upload of which nothing is read so far.
pub(crate) struct Arriving<'a> {
    app: &'a App,
    round: VerifiedRound,
    state: RoundState,
    contribution_id: ContributionId,
    incoming: &'a mut Incoming,
}

/// An upload whose prefix breaks no rule of its round. Its body has not been read.
pub(crate) struct Announced<'a> {
    pub(super) proposal: Proposal<'a>,
    pub(super) incoming: &'a mut Incoming,
}

/// A contribution that a participant proposes to a round.
pub(super) struct Proposal<'a> {
    pub(super) app: &'a App,
    pub(super) round: VerifiedRound,
    /// The round's state when the upload began.
    pub(super) state: RoundState,
    pub(super) prefix: MessagePrefix,
}

impl<'a> Arriving<'a> {
    /// An upload to this round, under the identifier in the request's path.
    ///
    /// # Errors
    /// A fault when the stored round cannot be read.
    pub(crate) fn new(
        app: &'a App,
        round: &RoundRow,
        contribution_id: ContributionId,
        incoming: &'a mut Incoming,
    ) -> Result<Self> {
        let (state, round) = (round.state.0, stored_round::verified(round)?);
        Ok(Self { app, round, state, contribution_id, incoming })
    }

    /// Reads the prefix and checks it. `length` is the length that the request states.
    ///
    /// # Errors
    /// An abort if the request is too slow, or if its length, the prefix or the identifier in the
    /// header breaks a rule.
    pub(crate) async fn announce(self, length: Option<u64>) -> Result<Announced<'a>> {
        let length = self.plausible_length(length)?;
        // One time-out covers the whole prefix, so that no client can stay here by sending a byte
        // now and then.
        let idle = Duration::from_millis(self.app.limits.upload_idle_timeout_ms);
        let prefix = tokio::time::timeout(idle, self.incoming.prefix()).await;
        let (prefix, prefix_bytes) = prefix.map_err(|_| Error::abort(ProblemKind::RequestTimeout))??;
        self.check_prefix(&prefix, prefix_bytes, length)?;
        let Self { app, round, state, incoming, .. } = self;
        Ok(Announced { proposal: Proposal { app, round, state, prefix }, incoming })
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
        self.round.check_seals(header, &prefix.sealed)?;
        let expected = prefix_bytes + self.round.constants().body_bytes();
        if length != expected {
            return Err(Refusal::BodyLength { expected, found: length }.into());
        }
        Ok(())
    }
}

impl Proposal<'_> {
    pub(super) fn subject(&self) -> &Subject {
        &self.prefix.header.credential.subject
    }

    pub(super) fn round_id(&self) -> &RoundId {
        &self.round.document().round_id
    }

    pub(super) fn contribution_id(&self) -> &ContributionId {
        &self.prefix.header.contribution_id
    }

    /// What it asks of the round's capacity.
    pub(super) fn demand(&self) -> Demand {
        let max_total_weight = self.round.constants().max_total_weight;
        Demand { weight: self.prefix.header.weight, max_total_weight }
    }
}
