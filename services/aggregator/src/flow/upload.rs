//! Receiving a contribution. It is checked while it arrives, and it is durable before the receipt
//! is given. A participant has at most one active contribution to a round.

use std::time::Duration;

use api::contributions::ContributionView;
use axum::body::Body;
use kit::{Error, Result, incoming::Incoming};
use names::{ContributionId, RoundId};

use crate::{
    metrics,
    state::App,
    store, stored_round,
    uploads::{Admission, Arriving, Recorded},
    views::contributions::view,
};

/// The outcome of an upload that was not refused.
pub(crate) enum UploadOutcome {
    /// It is stored and recorded.
    Created(ContributionView),
    /// The same bytes were recorded earlier. The receipt is the same.
    Repeated(ContributionView),
}

/// Receives a contribution of `length` bytes. The same bytes again give the same receipt. A refused
/// upload leaves only a count behind.
pub(crate) async fn put(
    app: &App,
    round_id: RoundId,
    contribution_id: ContributionId,
    length: Option<u64>,
    body: Body,
) -> Result<UploadOutcome> {
    let round = stored_round::find(app, round_id).await?;
    let mut incoming = Incoming::new(body, Duration::from_millis(app.limits.upload_idle_timeout_ms));
    let upload = Arriving::new(app, &round, contribution_id, &mut incoming)?;
    let outcome = receive(upload, length).await;
    match &outcome {
        Ok(_) => metrics::upload_received(),
        Err(error) => {
            let reason = error.kind().code();
            metrics::upload_refused(reason);
            if matches!(error, Error::Abort(_)) {
                store::rounds::count_refusal(&app.db, &round_id, reason, app.now()).await?;
                incoming.drain().await;
            }
        }
    }
    outcome.map(|recorded| match recorded {
        Recorded::First(row) => UploadOutcome::Created(view(row)),
        Recorded::Earlier(row) => UploadOutcome::Repeated(view(row)),
    })
}

async fn receive(upload: Arriving<'_>, length: Option<u64>) -> Result<Recorded> {
    match upload.announce(length).await?.admit().await? {
        Admission::Admitted(admitted) => admitted.store().await?.record().await,
        Admission::Duplicate(duplicate) => duplicate.confirm().await,
    }
}
