//! Protocol refusals as answers to requests.

use api::Problem;
use kit::Error;
use protocol::Refusal;

/// Tells the sender of a message which rule it broke.
pub(crate) fn problem(refusal: &Refusal) -> Error {
    Problem::from(refusal).into()
}
