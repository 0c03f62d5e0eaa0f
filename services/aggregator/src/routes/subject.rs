//! Participants' names in paths.

use api::ProblemKind;
use kit::{Error, Result};
use names::Subject;

/// Parses a participant's name in a path. No participant has a malformed name, so the answer is
/// 404.
pub(super) fn named(text: &str) -> Result<Subject> {
    Subject::new(text).map_err(|_| Error::abort(ProblemKind::NotFound))
}
