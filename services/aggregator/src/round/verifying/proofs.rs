//! The norm proofs of contributions whose own share is good. Each body is read once, in pieces.
//! The group equations of all proofs are checked together at the end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use kit::{Error, Result};
use lattice::RING_DEGREE;
use norm_proof::GroupEquations;
use protocol::{
    Refusal, VerifiedRound,
    roles::{aggregator::refused_proof, reading::BodyReading},
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
    let started = Instant::now();
    let reading = match BodyReading::begin(round, &candidate.header, &candidate.envelope.proof) {
        Ok(reading) => reading,
        Err(refusal) => {
            return Ok(Alone { left: Err(refusal), time: started.elapsed() });
        }
    };
    let beginning = started.elapsed();
    let (reading, read) = read_body(app, round, candidate, reading).await?;
    let work = move || {
        let started = Instant::now();
        (reading.finish(&mut OsRng), started.elapsed())
    };
    let (finished, finishing) = app.compute.run(work).await?;
    Ok(Alone { left: finished.map_err(Error::fault)?, time: beginning + read + finishing })
}

/// Reads a whole body. Also returns the time that the computation took.
///
/// The body was the signed one when it was received. If it is another one now, the store is at
/// fault and not the participant.
async fn read_body(
    app: &App,
    round: &VerifiedRound,
    candidate: &Candidate,
    mut reading: BodyReading,
) -> Result<(BodyReading, Duration)> {
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

async fn read_piece(app: &App, mut reading: BodyReading, piece: Bytes) -> Result<(BodyReading, Duration)> {
    let backend = Arc::clone(&app.backend);
    let work = move || -> Result<_> {
        let started = Instant::now();
        reading.read(&*backend, &piece).map_err(Error::fault)?;
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
        // The verifier itself failed, and the proof is not at fault.
        Err(error) => refused_proof(&error).map(ProofOutcome::Refused).ok_or_else(|| Error::fault(error)),
    };
    Ok((verified.into_iter().map(outcome).collect::<Result<_>>()?, time))
}
