//! All SQL, a file for each aggregate.
//!
//! Statements run at `READ COMMITTED`. Whatever decides over a round first locks the round's row, so that decisions
//! about one round follow one another and never wait in a circle.

pub(crate) mod closing;
pub(crate) mod contributions;
pub(crate) mod instant;
pub(crate) mod jobs;
pub(crate) mod ledger;
pub(crate) mod log;
pub(crate) mod participants;
pub(crate) mod reputation;
pub(crate) mod retention;
pub(crate) mod rounds;
pub(crate) mod states;

pub(crate) use instant::Instant;
use sqlx::{PgPool, PgTransaction};

/// Starts a transaction; nothing of it remains unless it is committed.
///
/// None is tried again: rows are locked in one order, so there are no deadlocks to break, and whoever asks (a job, a
/// client with an idempotent request) repeats the whole step.
pub(crate) async fn begin(db: &PgPool) -> sqlx::Result<PgTransaction<'static>> {
    db.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await
}

/// Whether a statement failed because a row with the same value in this unique index exists.
pub(crate) fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
