//! All SQL, in one file for each aggregate.
//!
//! Transactions run at `READ COMMITTED` and lock the round's row first. Decisions about one round
//! therefore follow one another, and no two transactions wait for each other.

pub(crate) mod attestations;
pub(crate) mod destroyed_keys;
pub(crate) mod receipts;
pub(crate) mod refusals;
pub(crate) mod refused_proofs;
pub(crate) mod releases;
pub(crate) mod round_keys;
pub(crate) mod rounds;
pub(crate) mod times;
