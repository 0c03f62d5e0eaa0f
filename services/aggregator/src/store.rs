//! All SQL, in one file for each aggregate.
//!
//! Transactions run at `READ COMMITTED`. A transaction that decides about a round locks the round's
//! row first. Decisions about one round therefore follow one another, and no two transactions wait
//! for each other.

pub(crate) mod batches;
pub(crate) mod books;
pub(crate) mod claim_addresses;
pub(crate) mod closing;
pub(crate) mod contributions;
pub(crate) mod jobs;
pub(crate) mod leases;
pub(crate) mod log;
pub(crate) mod participants;
pub mod record;
pub(crate) mod release_waits;
pub(crate) mod reputation;
pub(crate) mod retention;
pub(crate) mod rounds;
pub(crate) mod times;
pub(crate) mod unreleased;

/// Returns whether a statement failed because another row has the same value in this unique index.
pub(crate) fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
