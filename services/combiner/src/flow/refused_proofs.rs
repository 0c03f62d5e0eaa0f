//! Takes contributions whose proof does not verify. The combiner reads the whole message and checks
//! the proof itself, so it believes nobody. A set may leave such a participant out.

use std::time::Duration;

use api::ProblemKind;
use axum::body::Body;
use kit::{Error, Result, incoming::Incoming};
use lattice::{CpuBackend, RING_DEGREE};
use names::{HeaderHash, RoundHash};
use protocol::{
    MessagePrefix, Proof, Refusal, VerifiedRound,
    roles::{
        aggregator::refused_proof,
        reading::{BodyReading, ReadingError},
    },
};
use rand::rngs::OsRng;

use crate::{
    metrics,
    state::App,
    store::{refused_proofs, rounds},
};

/// Blocks of a body that are read at once: at most three megabytes.
const PIECE_BLOCKS: usize = 256;
/// The longest time without a byte.
const IDLE: Duration = Duration::from_secs(30);

/// Checks a contribution and records that its proof does not verify. A second message of the same
/// contribution changes nothing.
///
/// # Errors
/// An abort of kind `too-many-requests` while another one is being checked. An abort of kind
/// `not-found`, `round-state` or `round-key-destroyed`. An abort if the bytes are not those that
/// the participant signed, or of kind `invalid-parameter` if the proof verifies; nothing is
/// recorded then. A fault if the service itself fails.
pub(crate) async fn take(app: &App, round_hash: RoundHash, body: Body) -> Result<()> {
    let busy = |_| Error::abort(ProblemKind::TooManyRequests);
    let _alone = app.refused_proofs.try_acquire().map_err(busy)?;
    let round = rounds::find(&app.db, &round_hash).await?;
    round.demand_open()?;
    let mut incoming = Incoming::new(body, IDLE);
    let examined = examine(app, round.verified()?, &mut incoming).await;
    if let Err(Error::Abort(_)) = &examined {
        incoming.drain().await;
    }
    let (header_hash, reason) = examined?;
    if refused_proofs::insert(&app.db, &round_hash, &header_hash, reason, app.now()).await? {
        metrics::proof_refused();
        tracing::info!(%round_hash, %header_hash, reason = reason.code(), "proof refused");
    }
    Ok(())
}

/// Reads a message and returns the reason why its proof does not verify.
async fn examine(
    app: &App,
    round: VerifiedRound,
    incoming: &mut Incoming,
) -> Result<(HeaderHash, ProblemKind)> {
    let (prefix, _) = tokio::time::timeout(IDLE, incoming.prefix())
        .await
        .map_err(|_| Error::abort(ProblemKind::RequestTimeout))??;
    let piece_bytes = PIECE_BLOCKS * round.constants().width().bytes(RING_DEGREE);
    let hash = prefix.header.hash();
    let begin = move || -> Result<_> {
        demand_signed_proof(&round, &prefix)?;
        Ok(BodyReading::begin(&round, &prefix.header, &prefix.proof))
    };
    let mut reading = match app.compute.run(begin).await?? {
        Ok(reading) => reading,
        // The signed bytes are no proof. The body cannot change that.
        Err(refusal) => return Ok((hash, (&refusal).into())),
    };
    let mut pieces = incoming.parts(piece_bytes);
    while let Some(piece) = pieces.next().await? {
        let read = move || reading.read(&CpuBackend::new(), &piece).map(|()| reading);
        reading = app.compute.run(read).await?.map_err(not_read)?;
    }
    let verify = move || -> std::result::Result<_, ReadingError> {
        let equations = match reading.finish(&mut OsRng)? {
            Ok(equations) => equations,
            Err(refusal) => return Ok(Some(refusal)),
        };
        let Err(error) = equations.verify(&mut OsRng) else { return Ok(None) };
        refused_proof(&error).map(Some).ok_or(ReadingError::Verifier(error))
    };
    match app.compute.run(verify).await?.map_err(not_read)? {
        Some(refusal) => Ok((hash, (&refusal).into())),
        None => {
            let rule = "a contribution whose proof does not verify";
            Err(Error::abort(ProblemKind::InvalidParameter).field("body", rule))
        }
    }
}

/// Checks that the participant signed this proof, for a round that demands one.
fn demand_signed_proof(round: &VerifiedRound, prefix: &MessagePrefix) -> std::result::Result<(), Refusal> {
    round.check_header(&prefix.header)?;
    prefix.header.check_proof_digest(&prefix.proof)?;
    if round.document().proof == Proof::NormV2 { Ok(()) } else { Err(Refusal::ProofKind) }
}

fn not_read(error: ReadingError) -> Error {
    match error {
        ReadingError::Bytes(refusal) => refusal.into(),
        ReadingError::Verifier(_) => Error::fault(error),
    }
}
