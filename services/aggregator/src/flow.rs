//! Use cases: one function for each request of a caller, and for each task that the clock starts.

pub(crate) mod claim_address;
pub(crate) mod create_round;
pub(crate) mod end_round;
pub(crate) mod enrol;
pub(crate) mod erase;
pub(crate) mod expire;
pub(crate) mod log;
pub(crate) mod make_batch;
pub(crate) mod models;
pub(crate) mod sweep;
pub(crate) mod upload;
