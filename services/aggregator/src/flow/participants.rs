//! Enrolment of participants, and how they are shown.

use api::{
    ProblemKind,
    participants::{EnrolRequest, Page, Participant},
};
use kit::{Error, Result};
use protocol::{Canonical, Credential, Refusal, Signature, roles::aggregator::check_enrolment};

use crate::{state::App, store::participants};

/// Enrols a participant, or takes its key of a later epoch. Repeating the request changes nothing.
pub(crate) async fn enrol(app: &App, request: EnrolRequest) -> Result<Participant> {
    let credential =
        Credential::from_bytes(&request.credential.0).map_err(Refusal::malformed("credential")).map_err(
            |refusal| Error::from(refusal).field("credential", "the canonical encoding of a credential"),
        )?;
    check_enrolment(&credential, &app.pins.registrar, &Signature(request.signature.0))?;
    if !participants::enrol(&app.db, &credential, app.now()).await? {
        let rule = "a key replaces another only with a credential of a later epoch";
        return Err(Error::abort(ProblemKind::CredentialRefused).field("credential", rule));
    }
    show(app, credential.subject.as_str()).await
}

/// One participant.
pub(crate) async fn show(app: &App, subject: &str) -> Result<Participant> {
    let row = participants::find(&app.db, subject).await?;
    row.map(view).ok_or_else(|| Error::abort(ProblemKind::NotFound))
}

/// At most `limit` participants whose names follow `after`.
pub(crate) async fn list(app: &App, after: &str, limit: u16) -> Result<Page<Participant>> {
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
