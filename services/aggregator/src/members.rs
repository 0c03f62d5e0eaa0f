//! The fixed set of a round, read in pages.

use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use kit::{Error, Result};
use names::RoundId;
use protocol::{Canonical, ContributionHeader};

use crate::{
    state::App,
    store::closing::{self, MemberRow},
};

/// The members that are read from the database at once.
const PAGE: i32 = 256;

/// The members, in order.
pub(crate) fn stream(app: &App, round_id: RoundId) -> BoxStream<'static, Result<MemberRow>> {
    let app = app.clone();
    let pages = stream::try_unfold(0, move |from| {
        let app = app.clone();
        async move {
            let rows = closing::members(&app.db, &round_id, from, PAGE).await?;
            Ok::<_, Error>((!rows.is_empty()).then_some((rows, from + PAGE)))
        }
    });
    pages.map_ok(|rows| stream::iter(rows.into_iter().map(Ok))).try_flatten().boxed()
}

/// A member's header.
///
/// # Errors
/// A fault if the stored header does not decode to the one that was checked.
pub(crate) fn header(row: &MemberRow) -> Result<ContributionHeader> {
    ContributionHeader::from_bytes(&row.header).map_err(Error::fault)
}
