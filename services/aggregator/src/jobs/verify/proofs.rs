//! The norm proofs of contributions whose shares are good: each body is read once, piece by piece, and what remains of all proofs
//! is checked together.

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

use super::Candidate;
use crate::{metrics, state::App};

/// Blocks of a body that are read at once: three megabytes, enough to fill a card.
const PIECE_BLOCKS: u64 = 256;

/// What became of a proof, and how long its verification computed.
pub(super) struct Verdict {
    pub(super) refusal: Option<Refusal>,
    pub(super) time: Duration,
}

impl Verdict {
    /// The time in microseconds.
    pub(super) fn time_us(&self) -> i64 {
        i64::try_from(self.time.as_micros()).unwrap_or(i64::MAX)
    }
}

/// A proof of which only the group equations are left, or its refusal.
type Outcome = std::result::Result<GroupEquations, Refusal>;

/// Verifies the proofs of `candidates`; the verdicts are in their order. An error in the place of one says that it could not be
/// verified now, such as when its body cannot be read, and nothing of the others.
pub(super) async fn check(
    app: &App,
    round: &Arc<VerifiedRound>,
    candidates: &[&Candidate],
) -> Result<Vec<Result<Verdict>>> {
    let (mut places, mut outcomes, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for candidate in candidates {
        places.push(check_alone(app, round, candidate).await.map(|(outcome, time)| {
            outcomes.push(outcome);
            times.push(time);
        }));
    }
    let (refusals, shared) = check_together(app, outcomes).await?;
    let mut verdicts = refusals.into_iter().zip(times).map(|(refusal, time)| {
        let time = time + shared;
        metrics::proof_verified(if refusal.is_none() { "verified" } else { "refused" }, time);
        Verdict { refusal, time }
    });
    let verdict = |place: Result<()>| place.map(|()| verdicts.next().expect("one for each that was checked"));
    Ok(places.into_iter().map(verdict).collect())
}

/// Everything about one proof but its group equations.
async fn check_alone(
    app: &App,
    round: &Arc<VerifiedRound>,
    candidate: &Candidate,
) -> Result<(Outcome, Duration)> {
    let mut time = Duration::ZERO;
    let (started, header, proof) = (Instant::now(), &candidate.header, &candidate.envelope.proof);
    let mut reading = match begin_proof(round, header, proof) {
        Ok(verifying) => Reading { verifying, digester: BodyDigester::new(round.constants()) },
        Err(refusal) => return Ok((Err(refusal), started.elapsed())),
    };
    time += started.elapsed();
    let constants = round.constants();
    let block_bytes = constants.width().bytes(RING_DEGREE) as u64;
    let piece_bytes = usize::try_from(PIECE_BLOCKS * block_bytes).map_err(Error::fault)?;
    for start in (0..constants.body_bytes()).step_by(piece_bytes) {
        let end = constants.body_bytes().min(start + piece_bytes as u64);
        let piece = app.blobs.range(&candidate.envelope.body_object_name, start, end).await?;
        let (read, took) = read(app, reading, piece).await?;
        reading = read;
        time += took;
    }
    let Reading { verifying, digester } = reading;
    if digester.finish().map_err(Error::fault)? != header.body_digest {
        return Err(Error::fault("a stored body is not the one that was received"));
    }
    let work = move || {
        let started = Instant::now();
        (verifying.finish(&mut OsRng), started.elapsed())
    };
    let (finished, took) = app.compute.run(work).await?;
    Ok((finished.or_else_refused()?, time + took))
}

/// A body that is being read for its proof.
struct Reading {
    verifying: Verifying,
    /// It had its digest when it was received. What is not so any more is the store's fault, not the participant's.
    digester: BodyDigester,
}

async fn read(app: &App, mut reading: Reading, piece: Bytes) -> Result<(Reading, Duration)> {
    let backend = Arc::clone(&app.backend);
    let work = move || -> Result<_> {
        let started = Instant::now();
        reading.digester.push(&piece).map_err(Error::fault)?;
        reading.verifying.read(&*backend, &piece).map_err(Error::fault)?;
        Ok((reading, started.elapsed()))
    };
    app.compute.run(work).await?
}

/// The group equations of all proofs that have come so far; also the time that falls to each.
async fn check_together(app: &App, outcomes: Vec<Outcome>) -> Result<(Vec<Option<Refusal>>, Duration)> {
    let mut refusals = Vec::with_capacity(outcomes.len());
    let (mut places, mut equations) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(one) => {
                places.push(refusals.len());
                equations.push(one);
                refusals.push(None);
            }
            Err(refusal) => refusals.push(Some(refusal)),
        }
    }
    let work = move || {
        let started = Instant::now();
        (GroupEquations::verify_batch(&equations, &mut OsRng), started.elapsed())
    };
    let (verified, took) = app.compute.run(work).await?;
    let shared = took / u32::try_from(verified.len().max(1)).map_err(Error::fault)?;
    for (place, verified) in places.into_iter().zip(verified) {
        refusals[place] = verified.or_else_refused()?.err();
    }
    Ok((refusals, shared))
}

/// Tells a refused proof from a failure of the verifier.
trait OrElseRefused<T> {
    fn or_else_refused(self) -> Result<std::result::Result<T, Refusal>>;
}

impl<T> OrElseRefused<T> for std::result::Result<T, NormProofError> {
    fn or_else_refused(self) -> Result<std::result::Result<T, Refusal>> {
        match self {
            Ok(value) => Ok(Ok(value)),
            Err(error) => match refused_proof(&error) {
                Some(refusal) => Ok(Err(refusal)),
                None => Err(Error::fault(error)),
            },
        }
    }
}
