//! Read models: the record, the object store and the log as callers see them. Nothing here changes
//! anything.

pub(crate) mod batches;
pub(crate) mod bundle;
pub(crate) mod contributions;
mod kept;
pub(crate) mod log;
pub(crate) mod models;
pub(crate) mod participants;
pub(crate) mod payouts;
pub(crate) mod results;
pub(crate) mod rounds;
pub(crate) mod statement;
