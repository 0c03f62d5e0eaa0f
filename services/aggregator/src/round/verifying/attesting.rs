//! The combiners' attestations: each combiner is asked about all candidates at once.

use api::{
    HexBytes,
    combiner::{AttestRequest, ContributionEnvelope, Verdict},
};
use futures::future::try_join_all;
use kit::{Error, Result};
use protocol::{
    Attestation, Canonical, Refusal, SignedRefusal, VerifiedRound,
    roles::aggregator::{check_attestation, check_refusal},
};

use super::decision::{Candidate, Decided, Decision};
use crate::{
    combiners::{Combiner, CombinerError},
    metrics,
    state::App,
};

/// One combiner's checked answer about one candidate.
enum Answer {
    Attested(Vec<u8>),
    Refused(SignedRefusal),
    /// The combiner said something that it did not sign, or that is not about this contribution.
    /// The participant is not at fault.
    Unacceptable(CombinerError),
}

/// Asks every combiner. A candidate is verified when all attest it, and rejected when one signs a
/// refusal. If some candidates cannot be decided now, also returns the error that prevents it.
pub(super) async fn attest(
    app: &App,
    round: &VerifiedRound,
    candidates: &[Candidate],
) -> Result<(Vec<Decided>, Option<Error>)> {
    if candidates.is_empty() {
        return Ok((Vec::new(), None));
    }
    let envelope = |candidate: &Candidate| ContributionEnvelope {
        header: HexBytes(candidate.envelope.header.clone()),
        sealed_seeds: HexBytes(candidate.envelope.sealed_seeds.clone()),
    };
    let request = AttestRequest { contributions: candidates.iter().map(envelope).collect() };
    let asked = app.combiners.iter().map(|combiner| ask(combiner, round, &request, candidates));
    let mut by_combiner: Vec<_> =
        try_join_all(asked).await?.into_iter().map(IntoIterator::into_iter).collect();
    let (mut decided, mut failure) = (Vec::with_capacity(candidates.len()), None);
    for candidate in candidates {
        match decide(by_combiner.iter_mut().filter_map(Iterator::next)) {
            Ok(decision) => decided.push(Decided::new(candidate.id(), decision)),
            Err(error) => failure = Some(error.into()),
        }
    }
    Ok((decided, failure))
}

/// Decides about a candidate from the answers of all combiners. A signed refusal decides, whatever
/// the others say.
fn decide(answers: impl Iterator<Item = Answer>) -> std::result::Result<Decision, CombinerError> {
    let (mut attestations, mut refusals, mut unacceptable) = (Vec::new(), Vec::new(), None);
    for answer in answers {
        match answer {
            Answer::Attested(attestation) => attestations.push(attestation),
            Answer::Refused(refusal) => refusals.push(refusal),
            Answer::Unacceptable(error) => unacceptable = Some(error),
        }
    }
    match (Decision::refused(refusals), unacceptable) {
        (Some(rejected), _) => Ok(rejected),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(Decision::Verified { attestations }),
    }
}

/// One combiner's answers in the order of the candidates.
async fn ask(
    combiner: &Combiner,
    round: &VerifiedRound,
    request: &AttestRequest,
    candidates: &[Candidate],
) -> std::result::Result<Vec<Answer>, CombinerError> {
    let verdicts = combiner.attest(*round.hash(), request).await?;
    let answer =
        |(verdict, candidate): (Verdict, &Candidate)| match check(combiner.holder, round, verdict, candidate)
        {
            Ok(answer) => answer,
            Err(cause) => {
                let (holder, contribution_id) = (combiner.holder, candidate.id());
                let error = cause.as_ref().map_or("not signed".to_owned(), ToString::to_string);
                tracing::warn!(holder, %contribution_id, error, "a combiner's verdict is not acceptable");
                metrics::verdict_unacceptable(holder);
                Answer::Unacceptable(combiner.unacceptable())
            }
        };
    Ok(verdicts.into_iter().zip(candidates).map(answer).collect())
}

/// Checks what a combiner says about a candidate. The reason beside a refusal does not count, only
/// the signed one does. The error is `None` for a refusal that is not signed.
fn check(
    holder: u8,
    round: &VerifiedRound,
    verdict: Verdict,
    candidate: &Candidate,
) -> std::result::Result<Answer, Option<Refusal>> {
    match verdict {
        Verdict::Attested(HexBytes(bytes)) => {
            let attestation = Attestation::from_bytes(&bytes).map_err(Refusal::malformed("attestation"))?;
            check_attestation(round, holder, &candidate.header, &attestation)?;
            Ok(Answer::Attested(bytes))
        }
        Verdict::Refused { refusal, .. } => {
            let HexBytes(bytes) = refusal.ok_or(None::<Refusal>)?;
            let refusal = SignedRefusal::from_bytes(&bytes).map_err(Refusal::malformed("signed refusal"))?;
            check_refusal(round, holder, &candidate.header, &refusal)?;
            Ok(Answer::Refused(refusal))
        }
    }
}
