//! Pages of lists.

use api::{ProblemKind, rounds::RoundState};
use kit::{Error, Result};
use names::Subject;
use serde::Deserialize;

/// Which page of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// The value of `next` on the previous page.
    pub(super) after: Option<String>,
    /// Items on the page.
    limit: Option<u16>,
    /// Only rounds in this state.
    pub(super) state: Option<RoundState>,
}

impl PageQuery {
    /// The last participant of the previous page. `None` and the empty text ask for the first page.
    pub(super) fn after_subject(&self) -> Result<Option<Subject>> {
        let after = self.after.as_deref().filter(|after| !after.is_empty());
        let refused =
            |_| Error::abort(ProblemKind::InvalidParameter).field("after", "the `next` of the page before");
        after.map(Subject::new).transpose().map_err(refused)
    }

    pub(super) fn limit(&self) -> Result<u16> {
        match self.limit.unwrap_or(100) {
            limit @ 1..=1000 => Ok(limit),
            _ => Err(Error::abort(ProblemKind::InvalidParameter).field("limit", "1 to 1000")),
        }
    }
}
