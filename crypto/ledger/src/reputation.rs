#![doc = include_str!("../docs/reputation.md")]

/// The outcome of a participant's contribution to a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was verified and is in the sum.
    Included,
    /// It was verified, is in the sum, and was scored. In a scored round it replaces
    /// [`Outcome::Included`].
    Scored {
        /// Parts per million, at most 1 000 000.
        score_ppm: u32,
    },
    /// It broke a rule: a signature, a proof, a share or its bytes were wrong.
    Rejected,
    /// The participant promised it and did not deliver all of it, by its own fault.
    Dropped,
}

/// An outcome and its round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The round's number, from 1, in the order in which rounds were created.
    pub sequence: u64,
    /// The outcome of the contribution.
    pub outcome: Outcome,
}

/// The evidence of one contribution.
const UNIT: u64 = 1_000_000;

/// Evidence for and against a participant, in units of 10⁻⁶ contributions, as of a round.
///
/// ```
/// use ledger::reputation::{Event, Outcome, Reputation};
///
/// let mut reputation = Reputation::default();
/// assert_eq!(reputation.ppm(1)?, 500_000);
/// reputation.record(Event { sequence: 1, outcome: Outcome::Included })?;
/// assert_eq!(reputation.ppm(2)?, 661_016, "1 950 000 of 2 950 000");
/// # Ok::<(), ledger::reputation::ReputationError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reputation {
    sequence: u64,
    positive: u64,
    negative: u64,
}

impl Reputation {
    /// Counts the next event. Events of one round may come in any order.
    ///
    /// # Errors
    /// [`ReputationError::Order`] for a round before the last event's. [`ReputationError::Score`]
    /// for a score above 1 000 000.
    pub fn record(&mut self, event: Event) -> Result<(), ReputationError> {
        let (positive, negative) = match event.outcome {
            Outcome::Included => (UNIT, 0),
            Outcome::Scored { score_ppm } => {
                let score = u64::from(score_ppm);
                (score, UNIT.checked_sub(score).ok_or(ReputationError::Score { score_ppm })?)
            }
            Outcome::Rejected => (0, 3 * UNIT),
            Outcome::Dropped => (0, UNIT),
        };
        *self = self.decayed(event.sequence)?;
        self.positive = self.positive.saturating_add(positive);
        self.negative = self.negative.saturating_add(negative);
        Ok(())
    }

    /// The reputation in parts per million, 0 to 1 000 000, as of the round with number `sequence`.
    ///
    /// # Errors
    /// [`ReputationError::Order`] for a round before the last event's.
    pub fn ppm(&self, sequence: u64) -> Result<u32, ReputationError> {
        let Self { positive, negative, .. } = self.decayed(sequence)?;
        let (r, s, one) = (u128::from(positive), u128::from(negative), u128::from(UNIT));
        let ppm = (r + one) * 1_000_000 / (r + s + 2 * one);
        Ok(u32::try_from(ppm).expect("a part is at most the whole"))
    }

    /// The evidence as it counts in a later round.
    fn decayed(&self, sequence: u64) -> Result<Self, ReputationError> {
        let rounds = sequence
            .checked_sub(self.sequence)
            .ok_or(ReputationError::Order { sequence, after: self.sequence })?;
        let mut later = Self { sequence, ..*self };
        for _ in 0..rounds {
            if (later.positive, later.negative) == (0, 0) {
                break;
            }
            later.positive -= later.positive.div_ceil(20);
            later.negative -= later.negative.div_ceil(20);
        }
        Ok(later)
    }
}

/// The reputation of a participant with these events, as of the round with number `at`. The events
/// come in the order of the log.
///
/// # Errors
/// Those of [`Reputation::record`] and [`Reputation::ppm`].
pub fn reputation_ppm(events: impl IntoIterator<Item = Event>, at: u64) -> Result<u32, ReputationError> {
    let mut reputation = Reputation::default();
    events.into_iter().try_for_each(|event| reputation.record(event))?;
    reputation.ppm(at)
}

/// Why events give no reputation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReputationError {
    /// A round comes after a later one.
    #[error("round {sequence} cannot count after round {after}")]
    Order {
        /// The number of the round that came.
        sequence: u64,
        /// The number of the round before it.
        after: u64,
    },
    /// A score is above 1 000 000.
    #[error("a score of {score_ppm} parts per million is above 1000000")]
    Score {
        /// The score in parts per million.
        score_ppm: u32,
    },
}
