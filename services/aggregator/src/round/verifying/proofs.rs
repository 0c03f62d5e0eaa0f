//! The norm proofs of contributions whose own share is good. Each body is read once, in pieces.
//! The group equations of all proofs are checked together at the end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use kit::{Error, Result};
use lattice::RING_DEGREE;
use norm_proof::{GroupEquations, NormProofError, Verifying};
use protocol::{
    BodyDigester, Refusal, VerifiedRound,
    roles::aggregator::{begin_proof, refused_proof},
};
use rand::rngs::OsRng;

use super::decision::Candidate;
use crate::{metrics, state::App};

/// Blocks of a body that are read at once: three megabytes, enough to fill a card.
const PIECE_BLOCKS: u64 = 256;

/// A contribution whose proof was verified.
pub(super) struct Checked {
    pub(super) candidate: Candidate,
    pub(super) outcome: ProofOutcome,
    /// The time that the computation took.
    pub(super) time: Duration,
}

pub(super) enum ProofOutcome {
    Accepted,
    Refused(Refusal),
    /// The proof could not be verified now, for example because the body could not be read.
    Unknown(Error),
}

/// Verifies the proofs of these contributions. Returns them in any order.
pub(super) async fn verify(
    app: &App,
    round: &Arc<VerifiedRound>,
    group: impl Iterator<Item = Candidate>,
) -> Result<Vec<Checked>> {
    let (mut checked, mut waiting, mut equations) = (Vec::new(), Vec::new(), Vec::new());
    for candidate in group {
        match verify_alone(app, round, &candidate).await {
            Ok(Alone { left: Ok(equation), time }) => {
                waiting.push((candidate, time));
                equations.push(equation);
            }
            Ok(Alone { left: Err(refusal), time }) => {
                checked.push(Checked { candidate, outcome: ProofOutcome::Refused(refusal), time });
            }
            Err(error) => {
                let outcome = ProofOutcome::Unknown(error);
                checked.push(Checked { candidate, outcome, time: Duration::ZERO });
            }
        }
    }
    let (outcomes, shared_time) = verify_together(app, equations).await?;
    for ((candidate, time), outcome) in waiting.into_iter().zip(outcomes) {
        checked.push(Checked { candidate, outcome, time });
    }
    for one in &mut checked {
        let verdict = match one.outcome {
            ProofOutcome::Accepted => "verified",
            ProofOutcome::Refused(_) => "refused",
            ProofOutcome::Unknown(_) => continue,
        };
        one.time += shared_time;
        metrics::proof_verified(verdict, one.time);
    }
    Ok(checked)
}

/// The result of verifying one proof alone.
struct Alone {
    /// The group equations that are left to be checked, or the reason why the proof is bad.
    left: std::result::Result<GroupEquations, Refusal>,
    time: Duration,
}

/// Verifies everything about a proof except its group equations.
async fn verify_alone(app: &App, round: &Arc<VerifiedRound>, candidate: &Candidate) -> Result<Alone> {
    let (started, header, proof) = (Instant::now(), &candidate.header, &candidate.envelope.proof);
    let reading = match begin_proof(round, header, proof) {
        Ok(verifying) => Reading { verifying, digester: BodyDigester::new(round.constants()) },
        Err(refusal) => {
            return Ok(Alone { left: Err(refusal), time: started.elapsed() });
        }
    };
    let beginning = started.elapsed();
    let (Reading { verifying, digester }, read) = read_body(app, round, candidate, reading).await?;
    if digester.finish().map_err(Error::fault)? != header.body_digest {
        return Err(Error::fault("a stored body is not the one that was received"));
    }
    let work = move || {
        let started = Instant::now();
        (verifying.finish(&mut OsRng), started.elapsed())
    };
    let (finished, finishing) = app.compute.run(work).await?;
    let left = match finished {
        Ok(equations) => Ok(equations),
        Err(error) => Err(refusal(error)?),
    };
    Ok(Alone { left, time: beginning + read + finishing })
}

/// A body that is being read for its proof.
struct Reading {
    verifying: Verifying,
    /// The body had its digest when it was received. If it has another digest now, the store is at
    /// fault and not the participant.
    digester: BodyDigester,
}

/// Reads a whole body. Also returns the time that the computation took.
async fn read_body(
    app: &App,
    round: &VerifiedRound,
    candidate: &Candidate,
    mut reading: Reading,
) -> Result<(Reading, Duration)> {
    let constants = round.constants();
    let block_bytes = constants.width().bytes(RING_DEGREE) as u64;
    let piece_bytes = usize::try_from(PIECE_BLOCKS * block_bytes).map_err(Error::fault)?;
    let mut time = Duration::ZERO;
    for start in (0..constants.body_bytes()).step_by(piece_bytes) {
        let end = constants.body_bytes().min(start + piece_bytes as u64);
        let piece = app.blobs.range(&candidate.envelope.body_object_name, start, end).await?;
        let (read, took) = read_piece(app, reading, piece).await?;
        reading = read;
        time += took;
    }
    Ok((reading, time))
}

async fn read_piece(app: &App, mut reading: Reading, piece: Bytes) -> Result<(Reading, Duration)> {
    let backend = Arc::clone(&app.backend);
    let work = move || -> Result<_> {
        let started = Instant::now();
        reading.digester.push(&piece).map_err(Error::fault)?;
        reading.verifying.read(&*backend, &piece).map_err(Error::fault)?;
        Ok((reading, started.elapsed()))
    };
    app.compute.run(work).await?
}

/// Checks the group equations of several proofs together. Also returns each proof's share of the
/// time.
async fn verify_together(app: &App, equations: Vec<GroupEquations>) -> Result<(Vec<ProofOutcome>, Duration)> {
    let work = move || {
        let started = Instant::now();
        (GroupEquations::verify_batch(&equations, &mut OsRng), started.elapsed())
    };
    let (verified, took) = app.compute.run(work).await?;
    let time = took / u32::try_from(verified.len().max(1)).map_err(Error::fault)?;
    let outcome = |verified| match verified {
        Ok(()) => Ok(ProofOutcome::Accepted),
        Err(error) => refusal(error).map(ProofOutcome::Refused),
    };
    Ok((verified.into_iter().map(outcome).collect::<Result<_>>()?, time))
}

/// The refusal of a proof, when the error is one. Any other error is a failure of the verifier.
fn refusal(error: NormProofError) -> Result<Refusal> {
    refused_proof(&error).ok_or_else(|| Error::fault(error))
}
