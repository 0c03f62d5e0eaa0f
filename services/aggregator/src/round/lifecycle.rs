//! The states of a round, and the events that change them.
//!
//! ```text
//! preparing ── Countersigned ──▶ open ── UploadsEnded ──▶ settling ── SetFixed ──▶ folding
//!                                                                                     │ AllFolded
//! published ◀── ResultSigned ── unmasking ◀── AllReleased ── releasing ◀──────────────┘
//! ```
//!
//! A round also ends when it is given up (`failed`) or when the operator ends it: `cancelled`
//! before its set is fixed, `failed` after that.

use api::{
    ProblemKind,
    rounds::RoundState::{
        self, Cancelled, Failed, Folding, Open, Preparing, Published, Releasing, Settling, Unmasking,
    },
};
use kit::{
    Error, Result,
    column::{Column, Named},
    time::Timestamp,
};
use names::{RoundId, SetRoot};
use protocol::{Canonical, RoundDocument};
use sqlx::PgConnection;

use self::Event::{
    AllFolded, AllReleased, Countersigned, EndedByOperator, GivenUp, ResultSigned, SetFixed, UploadsEnded,
};
use crate::{
    metrics,
    store::{
        jobs::{self, Kind},
        rounds::{self, Facts, RoundRow},
    },
};

/// Something that happens to a round and changes its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Every combiner has signed the document.
    Countersigned,
    /// No more contributions are accepted.
    UploadsEnded,
    /// The verified contributions are the set, and there are enough of them.
    SetFixed,
    /// Every chunk of the masked sum is stored.
    AllFolded,
    /// Every holder has answered with its sum of key shares.
    AllReleased,
    /// The sum is unmasked and its result is signed.
    ResultSigned,
    /// A step cannot succeed.
    GivenUp,
    /// The operator ends the round without a sum.
    EndedByOperator,
}

/// All transitions. If the event happens to a round in the first state, the round is then in the
/// second state. The database has the same pairs of states in `state_transitions()`, and refuses
/// any other pair.
pub const TRANSITIONS: &[(RoundState, Event, RoundState)] = &[
    // The document is stored. Job `prepare` collects the signatures if the request is interrupted.
    (Preparing, Countersigned, Open),
    // A combiner refuses to sign, or cannot be reached.
    (Preparing, GivenUp, Failed),
    (Preparing, EndedByOperator, Cancelled),
    // Uploads arrive, and jobs `verify` check them. Job `close` or the operator ends the uploads.
    (Open, UploadsEnded, Settling),
    (Open, GivenUp, Failed),
    (Open, EndedByOperator, Cancelled),
    // Stored contributions are verified within `settle_ms`. Then job `close` fixes the set.
    (Settling, SetFixed, Folding),
    // The verified contributions are fewer than `min_cohort`.
    (Settling, GivenUp, Failed),
    (Settling, EndedByOperator, Cancelled),
    // Jobs `fold` add the bodies of the members, a job for each chunk.
    (Folding, AllFolded, Releasing),
    (Folding, GivenUp, Failed),
    (Folding, EndedByOperator, Failed),
    // Job `release` asks every holder for its sum of key shares.
    (Releasing, AllReleased, Unmasking),
    (Releasing, GivenUp, Failed),
    (Releasing, EndedByOperator, Failed),
    // Jobs `unmask` remove the masks, a job for each chunk. Job `publish` signs the result.
    (Unmasking, ResultSigned, Published),
    (Unmasking, GivenUp, Failed),
    (Unmasking, EndedByOperator, Failed),
    // After the end job `retire` removes keys and objects, and job `payout` pays for a published
    // sum.
];

/// The states of a round that nobody has released. In the later ones it needs no combiner any more.
pub(crate) const AWAIT_RELEASE: &[RoundState] = &[Preparing, Open, Settling, Folding, Releasing];

/// The states in which nothing more happens to a round.
pub(crate) const ENDS: &[RoundState] = &[Published, Failed, Cancelled];

/// The state of a round in state `before` after `event`. `None` if the event cannot happen to it.
pub(crate) fn next(before: RoundState, event: Event) -> Option<RoundState> {
    let transition = TRANSITIONS.iter().find(|transition| (transition.0, transition.1) == (before, event));
    transition.map(|transition| transition.2)
}

/// A round whose row is locked until the end of a transaction, and the time of the decision about
/// it.
pub(crate) struct LockedRound<'a> {
    pub(crate) tx: &'a mut PgConnection,
    pub(crate) row: RoundRow,
    pub(crate) now: Timestamp,
    /// Set when the transaction ends the round without a result. It is announced after the commit,
    /// because a transaction may be repeated.
    pub(crate) ended: Option<Ended>,
}

/// A round that a transaction ends without a result.
#[must_use = "it is announced once the transaction is committed"]
pub(crate) struct Ended {
    pub(super) round_id: RoundId,
    pub(super) state: RoundState,
    pub(super) words: Option<String>,
}

/// Tells logs and metrics about a round that a committed transaction ended.
pub(crate) fn announce(ended: Option<Ended>) {
    if let Some(Ended { round_id, state, words }) = ended {
        metrics::round_ended(state.name());
        tracing::warn!(%round_id, ?state, failure = words, "round ended without a result");
    }
}

impl<'a> LockedRound<'a> {
    /// Locks a round.
    ///
    /// # Errors
    /// `not-found`.
    pub(crate) async fn lock(tx: &'a mut PgConnection, round_id: &RoundId, now: Timestamp) -> Result<Self> {
        let row = rounds::lock(tx, round_id).await?.ok_or_else(|| Error::abort(ProblemKind::NotFound))?;
        Ok(Self { tx, row, now, ended: None })
    }

    pub(crate) fn id(&self) -> RoundId {
        self.row.round_id.0
    }

    pub(crate) fn state(&self) -> RoundState {
        self.row.state.0
    }

    pub(crate) fn document(&self) -> Result<RoundDocument> {
        RoundDocument::from_bytes(&self.row.document).map_err(Error::fault)
    }

    /// Records that `event` happened, and `facts` with it. No other function changes a round's
    /// state.
    ///
    /// # Errors
    /// A fault, when [`TRANSITIONS`] does not have the event for this state.
    pub(crate) async fn advance(&mut self, event: Event, facts: Facts<'_>) -> Result<()> {
        let before = self.state();
        let impossible = || Error::fault(format!("{event:?} does not happen to a {} round", before.name()));
        let after = next(before, event).ok_or_else(impossible)?;
        let row = rounds::change_state(self.tx, &self.id(), before, after, facts, self.now).await?;
        self.row = row.ok_or_else(impossible)?;
        Ok(())
    }

    /// Asks for a job that is due now.
    pub(crate) async fn enqueue(&mut self, kind: Kind, key: &str) -> Result<()> {
        let (round_id, now) = (self.id(), self.now);
        Ok(jobs::enqueue(self.tx, kind, &round_id, &[key.to_owned()], now, now).await?)
    }

    /// Asks for a job for each chunk of the sum, due now.
    pub(crate) async fn enqueue_for_chunks(&mut self, kind: Kind) -> Result<()> {
        let (round_id, now) = (self.id(), self.now);
        let chunks: Vec<String> = (0..self.row.chunks).map(|chunk| chunk.to_string()).collect();
        Ok(jobs::enqueue(self.tx, kind, &round_id, &chunks, now, now).await?)
    }
}

/// The root of a round's set.
///
/// # Errors
/// A fault, when the set is not fixed.
pub(crate) fn set_root(round: &RoundRow) -> Result<SetRoot> {
    let root = round.root.as_ref().map(|root: &Column<SetRoot>| root.0);
    root.ok_or_else(|| Error::fault("the round's set is not fixed"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const STATES: [RoundState; 9] =
        [Preparing, Open, Settling, Folding, Releasing, Unmasking, Published, Failed, Cancelled];

    #[test]
    fn a_state_and_an_event_have_one_outcome() {
        let causes: HashSet<_> = TRANSITIONS.iter().map(|&(before, event, _)| (before, event)).collect();
        assert_eq!(causes.len(), TRANSITIONS.len());
    }

    #[test]
    fn a_round_can_be_given_up_and_ended_by_the_operator_until_it_has_ended() {
        for state in STATES {
            for event in [GivenUp, EndedByOperator] {
                assert_eq!(next(state, event).is_some(), !ENDS.contains(&state), "{state:?} {event:?}");
            }
            let is_end = TRANSITIONS.iter().all(|&(before, _, _)| before != state);
            assert_eq!(is_end, ENDS.contains(&state), "{state:?}");
        }
    }

    #[test]
    fn one_chain_of_events_leads_from_the_document_to_the_result() {
        let events = [Countersigned, UploadsEnded, SetFixed, AllFolded, AllReleased, ResultSigned];
        let state = events.iter().try_fold(Preparing, |state, &event| next(state, event));
        assert_eq!(state, Some(Published));
    }
}
