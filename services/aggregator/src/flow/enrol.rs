//! Enrolment of participants.

use api::{
    ProblemKind,
    participants::{EnrolRequest, Participant},
};
use kit::{Error, Result};
use protocol::{Canonical, Credential, Refusal, Signature, roles::aggregator::check_enrolment};

use crate::{state::App, store::participants, views::participants::show};

/// Enrols a participant for the epoch of the credential. It stays enrolled for other epochs, so its
/// running rounds go on. Repeating the request changes nothing.
pub(crate) async fn enrol(app: &App, request: EnrolRequest) -> Result<Participant> {
    let credential =
        Credential::from_bytes(&request.credential.0).map_err(Refusal::malformed("credential")).map_err(
            |refusal| Error::from(refusal).field("credential", "the canonical encoding of a credential"),
        )?;
    check_enrolment(&credential, &app.pins.registrar, &Signature(request.signature.0))?;
    if !participants::enrol(&app.db, &credential, app.now()).await? {
        let rule = "the participant has another key for this epoch; a new key needs a later epoch";
        return Err(Error::abort(ProblemKind::CredentialRefused).field("credential", rule));
    }
    show(app, &credential.subject).await
}
