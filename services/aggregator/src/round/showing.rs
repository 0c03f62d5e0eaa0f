//! A combiner that misses participants is shown those whose proof does not verify. It checks their
//! proofs itself, and then the set may leave them out.

use api::ProblemKind;
use bytes::Bytes;
use futures::{StreamExt, stream};
use kit::{Error, Result};
use protocol::{Canonical, ContributionHeader, MessagePrefix, SealedSeeds, VerifiedRound};
use reqwest::Body;

use crate::{
    combiners::{Combiner, CombinerError},
    state::App,
    store::contributions::{self, Envelope},
};

/// The reasons for which a proof was refused: it does not verify, or it is no proof.
const REASONS: [ProblemKind; 2] = [ProblemKind::ProofRefused, ProblemKind::ProofMissing];

/// Hands over the contributions that the combiner misses and whose proof was refused. Returns the
/// number of those that the combiner refused too.
///
/// # Errors
/// A fault if the database fails or the combiner cannot be asked.
pub(super) async fn show_refused(app: &App, combiner: &Combiner, round: &VerifiedRound) -> Result<usize> {
    let missed = combiner.round(*round.hash()).await?.waiting_for;
    let reasons = REASONS.map(ProblemKind::code);
    let refused = contributions::rejected(&app.db, &round.document().round_id, &missed, &reasons).await?;
    let mut shown = 0;
    for contribution in refused {
        let contribution_id = contribution.contribution_id.0;
        match combiner.refuse_proof(*round.hash(), message(app, round, contribution)?).await {
            Ok(()) => shown += 1,
            Err(error @ CombinerError::Refused { .. }) => {
                let error = Error::from(error).chain();
                tracing::warn!(holder = combiner.holder, %contribution_id, error, "refused proof not accepted");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(shown)
}

/// The bytes that the participant uploaded.
fn message(app: &App, round: &VerifiedRound, contribution: Envelope) -> Result<Body> {
    let Envelope { header, sealed_seeds, proof, body_object_name, .. } = contribution;
    let header = ContributionHeader::from_bytes(&header).map_err(Error::fault)?;
    let sealed = SealedSeeds::from_bytes(&sealed_seeds).map_err(Error::fault)?;
    let prefix = MessagePrefix { header, sealed, proof }.to_bytes();
    let body = app.blobs.stream(body_object_name, round.constants().body_bytes());
    Ok(Body::wrap_stream(stream::iter([Ok(Bytes::from(prefix))]).chain(body)))
}
