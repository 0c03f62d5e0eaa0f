//! Reputations, computed from the events in the log.
//!
//! The reputation in a round counts events of rounds with a smaller number, if they happened before
//! the round was created. So it is the same whenever it is computed.

use std::collections::HashMap;

use kit::{Error, Result};
use ledger::reputation::{Event, Outcome, reputation_ppm};
use names::Subject;
use sqlx::PgExecutor;

use crate::{
    state::App,
    store::{
        reputation::{self as stored, EventRow, Position},
        rounds,
    },
};

/// The reputations of these participants in a round, in millionths.
pub(crate) async fn in_round(
    db: impl PgExecutor<'_>,
    subjects: &[&Subject],
    at: Position,
) -> Result<HashMap<Subject, u32>> {
    let events = stored::events(db, subjects, at).await?;
    let mut reputations = HashMap::with_capacity(subjects.len());
    for own in events.chunk_by(|a, b| a.subject == b.subject) {
        reputations.insert(own[0].subject.0.clone(), in_millionths(own, at.sequence)?);
    }
    for &subject in subjects {
        if !reputations.contains_key(subject) {
            reputations.insert(subject.clone(), in_millionths(&[], at.sequence)?);
        }
    }
    Ok(reputations)
}

/// A participant's reputation in a round that is created now.
pub(crate) async fn now(app: &App, subject: &Subject) -> Result<u32> {
    let sequence = rounds::count(&app.db).await? + 1;
    let at = Position { sequence, created_at: app.now() };
    Ok(in_round(&app.db, &[subject], at).await?.remove(subject).unwrap_or_default())
}

fn in_millionths(events: &[EventRow], at: i64) -> Result<u32> {
    let events = events.iter().map(event).collect::<Result<Vec<Event>>>()?;
    reputation_ppm(events, at.cast_unsigned()).map_err(Error::fault)
}

fn event(row: &EventRow) -> Result<Event> {
    let outcome = match (row.kind.as_str(), row.score_ppm) {
        ("included", None) => Outcome::Included,
        ("rejected", None) => Outcome::Rejected,
        ("dropped", None) => Outcome::Dropped,
        ("scored", Some(score)) => Outcome::Scored { score_ppm: score.cast_unsigned() },
        _ => return Err(Error::fault("an event of no known kind")),
    };
    Ok(Event { sequence: row.sequence.cast_unsigned(), outcome })
}
