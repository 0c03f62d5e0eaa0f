//! The events from which reputations are computed.

use kit::{column::Column, time::Timestamp};
use names::{RoundId, Subject};
use sqlx::{FromRow, PgExecutor};

/// One event of a participant: an included, rejected, dropped or scored contribution.
#[derive(Clone, Debug, FromRow)]
pub(crate) struct EventRow {
    pub(crate) subject: Column<Subject>,
    /// The number of the event's round.
    pub(crate) sequence: i64,
    pub(crate) kind: String,
    pub(crate) score_ppm: Option<i32>,
}

/// A round's number and its creation time. They decide which events count for the round.
#[derive(Clone, Copy, Debug, FromRow)]
pub(crate) struct Position {
    pub(crate) sequence: i64,
    pub(crate) created_at: Timestamp,
}

/// Returns the position of a round among all rounds.
pub(crate) async fn position(db: impl PgExecutor<'_>, round_id: &RoundId) -> sqlx::Result<Position> {
    sqlx::query_as("SELECT sequence, created_at FROM rounds WHERE round_id = $1")
        .bind(Column(*round_id))
        .fetch_one(db)
        .await
}

/// Lists the events of these participants that count in a round. The events of each participant are
/// in the order of their rounds.
pub(crate) async fn events(
    db: impl PgExecutor<'_>,
    subjects: &[&Subject],
    at: Position,
) -> sqlx::Result<Vec<EventRow>> {
    sqlx::query_as(
        "SELECT e.subject, r.sequence, e.kind, e.score_ppm
         FROM reputation_events AS e JOIN rounds AS r USING (round_id)
         WHERE e.subject = ANY($1) AND r.sequence < $2 AND e.happened_at <= $3
         ORDER BY e.subject, r.sequence, e.event_id",
    )
    .bind(Column::array(subjects.iter().copied()))
    .bind(at.sequence)
    .bind(at.created_at)
    .fetch_all(db)
    .await
}
