//! What callers ask for, a function for each use case.

pub(crate) mod bundle;
pub(crate) mod claims;
pub(crate) mod contributions;
pub(crate) mod create_round;
pub(crate) mod end_round;
pub(crate) mod erase;
pub(crate) mod incoming;
pub(crate) mod log;
pub(crate) mod members;
pub(crate) mod models;
pub(crate) mod participants;
pub(crate) mod payouts;
pub(crate) mod places;
pub(crate) mod reputation;
pub(crate) mod results;
pub(crate) mod rounds;
pub(crate) mod sum;
pub(crate) mod sweep;
pub(crate) mod upload;
