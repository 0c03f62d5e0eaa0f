//! Takes contributions whose proof does not verify. The combiner reads the whole message and checks
//! the proof itself, so it believes nobody. A set may leave such a participant out.

use std::time::Duration;

use api::ProblemKind;
use axum::body::Body;
use bytes::Bytes;
use kit::{Error, Result, incoming::Incoming};
use lattice::{CpuBackend, RING_DEGREE};
use names::{HeaderHash, RoundHash};
use norm_proof::{NormProofError, Verifying};
use protocol::{
    BodyDigester, MessagePrefix, Proof, Refusal, VerifiedRound,
    roles::aggregator::{begin_proof, refused_proof},
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
    let mut reading = match app.compute.run(move || Reading::begin(&round, prefix)).await?? {
        Begun::Reading(reading) => reading,
        Begun::Refused(refusal) => return Ok((hash, (&refusal).into())),
    };
    let mut pieces = incoming.parts(piece_bytes);
    while let Some(piece) = pieces.next().await? {
        reading = app.compute.run(move || reading.push(&piece)).await??;
    }
    match app.compute.run(move || reading.finish()).await?? {
        Some(refusal) => Ok((hash, (&refusal).into())),
        None => {
            let rule = "a contribution whose proof does not verify";
            Err(Error::abort(ProblemKind::InvalidParameter).field("body", rule))
        }
    }
}

/// The outcome of reading a prefix.
enum Begun {
    /// The body is to be read.
    Reading(Box<Reading>),
    /// The signed bytes are no proof. The body cannot change that.
    Refused(Refusal),
}

/// A contribution whose body is being read.
struct Reading {
    prefix: MessagePrefix,
    verifying: Verifying,
    digester: BodyDigester,
}

impl Reading {
    /// Checks that the participant signed the prefix.
    fn begin(round: &VerifiedRound, prefix: MessagePrefix) -> std::result::Result<Begun, Refusal> {
        round.check_header(&prefix.header)?;
        prefix.header.check_proof_digest(&prefix.proof)?;
        if round.document().proof != Proof::NormV2 {
            return Err(Refusal::ProofKind);
        }
        Ok(match begin_proof(round, &prefix.header, &prefix.proof) {
            Ok(verifying) => {
                let digester = BodyDigester::new(round.constants());
                Begun::Reading(Box::new(Self { prefix, verifying, digester }))
            }
            Err(refusal) => Begun::Refused(refusal),
        })
    }

    fn push(mut self: Box<Self>, piece: &Bytes) -> Result<Box<Self>> {
        self.digester.push(piece)?;
        match self.verifying.read(&CpuBackend::new(), piece) {
            Ok(()) => Ok(self),
            // Only the last piece may end inside a block. Then the message is too short.
            Err(error @ NormProofError::Sequence { .. }) => {
                self.digester.finish()?;
                Err(Error::fault(error))
            }
            Err(error) => Err(Error::fault(error)),
        }
    }

    /// Checks that the participant signed the body. Returns the refusal of the proof, if it does
    /// not verify.
    fn finish(self: Box<Self>) -> Result<Option<Refusal>> {
        let Self { prefix, verifying, digester } = *self;
        if digester.finish()? != prefix.header.body_digest {
            return Err(Refusal::Digest { of: "body" }.into());
        }
        let verified = verifying.finish(&mut OsRng).and_then(|equations| equations.verify(&mut OsRng));
        let refusal = |error: NormProofError| refused_proof(&error).ok_or_else(|| Error::fault(error));
        verified.err().map(refusal).transpose()
    }
}
