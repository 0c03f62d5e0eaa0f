//! All SQL, a file for each aggregate.
//!
//! Transactions run at `READ COMMITTED` and lock the round's row before anything else, so that decisions about one round
//! follow one another and never wait in a circle.

pub(crate) mod attestations;
pub(crate) mod destroyed_keys;
pub(crate) mod refusals;
pub(crate) mod releases;
pub(crate) mod round_keys;
pub(crate) mod rounds;
