//! Admission of an upload: whether the round takes it, and a slot for it.

use api::{ProblemKind, rounds::RoundState};
use kit::{Error, Result, incoming::Incoming};
use sqlx::PgExecutor;

use super::arriving::{Announced, Proposal};
use crate::{
    reputation,
    slots::{Slot, Turn},
    store::{
        self,
        contributions::{self, ContributionRow},
        participants,
    },
};

/// The outcome of admission for an upload that is not refused.
pub(crate) enum Admission<'a> {
    /// The round takes it.
    Admitted(Admitted<'a>),
    /// An identical upload is recorded already.
    Duplicate(Duplicate<'a>),
}

/// An upload that the round would take now, before its body is read. It holds a slot.
pub(crate) struct Admitted<'a> {
    pub(super) proposal: Proposal<'a>,
    pub(super) incoming: &'a mut Incoming,
    pub(super) slot: Slot<'a>,
}

/// An upload whose prefix is that of a recorded contribution. It holds a slot.
pub(crate) struct Duplicate<'a> {
    pub(super) proposal: Proposal<'a>,
    pub(super) incoming: &'a mut Incoming,
    pub(super) row: ContributionRow,
    pub(super) slot: Slot<'a>,
}

impl<'a> Announced<'a> {
    /// Takes a slot and decides whether the round takes the upload.
    ///
    /// # Errors
    /// An abort when it does not, when another message has this identifier, or when no slot is free
    /// for long.
    pub(crate) async fn admit(self) -> Result<Admission<'a>> {
        let Self { proposal, incoming } = self;
        // Slots are for participants. The credential in the prefix has been checked before.
        let slot = proposal.slot().await?;
        let eligible = proposal.check_eligible().await;
        // The upload may be refused only because an identical one has been recorded meanwhile.
        if let Some(row) = proposal.recorded(&proposal.app.db).await? {
            return Ok(Admission::Duplicate(Duplicate { proposal, incoming, row, slot }));
        }
        eligible?;
        Ok(Admission::Admitted(Admitted { proposal, incoming, slot }))
    }
}

impl<'a> Proposal<'a> {
    /// Only an upload that would be admitted now waits for a slot. It is examined again afterwards.
    async fn slot(&self) -> Result<Slot<'a>> {
        match self.app.slots.ask(self.subject())? {
            Turn::Now(slot) => Ok(slot),
            Turn::Later(waiting) => {
                self.check_worth_waiting().await?;
                waiting.slot().await
            }
        }
    }

    /// Checks that the round would take this contribution now, or has it already.
    async fn check_worth_waiting(&self) -> Result<()> {
        let Err(refused) = self.check_eligible().await else { return Ok(()) };
        let row = contributions::find(&self.app.db, self.round_id(), self.contribution_id()).await?;
        row.map(drop).ok_or(refused)
    }

    /// Checks that the round would take this contribution now.
    async fn check_eligible(&self) -> Result<()> {
        let db = &self.app.db;
        if !participants::is_enrolled(db, &self.prefix.header.credential).await? {
            return Err(Error::abort(ProblemKind::UnknownParticipant));
        }
        self.check_open(self.state)?;
        self.check_fresh(db).await?;
        self.check_reputation().await?;
        if store::rounds::is_full(db, self.round_id(), self.demand()).await? {
            return Err(Error::abort(ProblemKind::RoundFull));
        }
        self.check_attempts(db).await
    }

    /// Checks that a round in this state takes contributions now.
    pub(super) fn check_open(&self, state: RoundState) -> Result<()> {
        let document = self.round.document();
        let now = self.app.now().ms();
        if state == RoundState::Open && (document.opens_at_ms..=document.closes_at_ms).contains(&now) {
            Ok(())
        } else {
            Err(Error::abort(ProblemKind::RoundNotOpen))
        }
    }

    /// Checks the participant's reputation. It has one reputation in a round, so this is not
    /// checked again when the contribution is recorded.
    async fn check_reputation(&self) -> Result<()> {
        let min = self.round.document().min_reputation_ppm;
        if min == 0 {
            return Ok(());
        }
        let (db, subject) = (&self.app.db, self.subject());
        let at = store::reputation::position(db, self.round_id()).await?;
        let reputations = reputation::in_round(db, &[subject], at).await?;
        match reputations.get(subject) {
            Some(&found) if found >= min => Ok(()),
            found => {
                let found = found.copied().unwrap_or_default();
                let detail = format!("{found} millionths; the round demands {min}");
                Err(Error::abort(ProblemKind::ReputationTooLow).detail(detail))
            }
        }
    }

    /// Checks that no other contribution of the round has the same commitment. Two that do come
    /// from a client whose randomness repeats, and their bodies could reveal the difference of the
    /// updates.
    pub(super) async fn check_fresh(&self, db: impl PgExecutor<'_>) -> Result<()> {
        if contributions::repeats(db, self.round_id(), &self.prefix.header).await? {
            return Err(Error::abort(ProblemKind::CommitmentRepeated));
        }
        Ok(())
    }

    /// Checks that the participant may send another contribution to the round.
    pub(super) async fn check_attempts(&self, db: impl PgExecutor<'_>) -> Result<()> {
        let standing = contributions::standing(db, self.round_id(), self.subject()).await?;
        if standing.active {
            return Err(Error::abort(ProblemKind::AlreadyContributed));
        }
        if standing.sent >= i64::from(self.round.document().max_attempts) {
            return Err(Error::abort(ProblemKind::AttemptsExhausted));
        }
        Ok(())
    }

    /// The row of an identical upload, if there is one.
    ///
    /// # Errors
    /// An abort when the identifier belongs to another message.
    pub(super) async fn recorded(&self, db: impl PgExecutor<'_>) -> Result<Option<ContributionRow>> {
        let row = contributions::find(db, self.round_id(), self.contribution_id()).await?;
        match row {
            Some(row) if row.header_hash.0 != self.prefix.header.hash() => {
                Err(Error::abort(ProblemKind::ContributionConflict))
            }
            row => Ok(row),
        }
    }
}
