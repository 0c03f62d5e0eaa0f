//! Participants as they are shown.

use api::{
    ProblemKind,
    participants::{Page, Participant},
};
use kit::{Error, Result};
use names::Subject;

use crate::{state::App, store::participants};

/// One participant.
pub(crate) async fn show(app: &App, subject: &Subject) -> Result<Participant> {
    let row = participants::find(&app.db, subject).await?;
    row.map(view).ok_or_else(|| Error::abort(ProblemKind::NotFound))
}

/// At most `limit` participants whose names follow `after`.
pub(crate) async fn list(app: &App, after: Option<&Subject>, limit: u16) -> Result<Page<Participant>> {
    let rows = participants::list(&app.db, after, i64::from(limit)).await?;
    let next = rows.last().filter(|_| rows.len() == usize::from(limit)).map(|row| row.subject.to_string());
    Ok(Page { items: rows.into_iter().map(view).collect(), next })
}

fn view(row: participants::ParticipantRow) -> Participant {
    Participant {
        subject: row.subject.0,
        client_key: row.client_key.0,
        credential_epoch: u32::try_from(row.credential_epoch).expect("the column holds 32 bits"),
        enrolled_at_ms: row.enrolled_at.ms(),
        contributions: row.counts.into(),
    }
}
