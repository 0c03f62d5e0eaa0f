//! One function for each thing that the aggregator may ask for.

pub(crate) mod abandon;
pub(crate) mod attest;
pub(crate) mod countersign;
pub(crate) mod destroy;
pub(crate) mod release;
pub(crate) mod round_key;
pub(crate) mod sweep;
pub(crate) mod view;

use api::Problem;
use kit::Error;
use protocol::Refusal;

/// The problem that tells the sender of a message which rule it broke.
fn refused(refusal: &Refusal) -> Error {
    Error::from(Problem::from(refusal))
}
