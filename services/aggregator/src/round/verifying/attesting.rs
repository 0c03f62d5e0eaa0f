//! The combiners' attestations: each combiner is asked about all candidates at once.

use api::{
    HexBytes,
    combiner::{AttestRequest, ContributionEnvelope, Verdict},
};
use futures::future::try_join_all;
use kit::Result;
use protocol::{Attestation, Canonical, VerifiedRound, roles::aggregator::check_attestation};

use super::decision::{Candidate, Decision};
use crate::{combiners::Combiner, state::App};

/// Asks every combiner. A candidate is verified when all attest it. The first combiner that refuses
/// it gives the reason.
pub(super) async fn attest(
    app: &App,
    round: &VerifiedRound,
    candidates: Vec<Candidate>,
) -> Result<Vec<(Candidate, Decision)>> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let envelope = |candidate: &Candidate| ContributionEnvelope {
        header: HexBytes(candidate.envelope.header.clone()),
        sealed_seeds: HexBytes(candidate.envelope.sealed_seeds.clone()),
    };
    let request = AttestRequest { contributions: candidates.iter().map(envelope).collect() };
    let asked = app.combiners.iter().map(|combiner| ask(combiner, round, &request, &candidates));
    let by_combiner = try_join_all(asked).await?;
    let undecided = || Decision::Verified { attestations: Vec::new() };
    let mut decided: Vec<_> = candidates.into_iter().map(|candidate| (candidate, undecided())).collect();
    for verdicts in by_combiner {
        for ((_, decision), verdict) in decided.iter_mut().zip(verdicts) {
            match (&mut *decision, verdict) {
                (Decision::Verified { attestations }, Verdict::Attested(HexBytes(bytes))) => {
                    attestations.push(bytes);
                }
                (Decision::Verified { .. }, Verdict::Refused { reason, .. }) => {
                    *decision = Decision::Rejected(reason);
                }
                (Decision::Rejected(_), _) => {}
            }
        }
    }
    Ok(decided)
}

/// One combiner's verdicts in the order of the candidates, with every attestation checked.
async fn ask(
    combiner: &Combiner,
    round: &VerifiedRound,
    request: &AttestRequest,
    candidates: &[Candidate],
) -> Result<Vec<Verdict>> {
    let verdicts = combiner.attest(*round.hash(), request).await?;
    for (verdict, candidate) in verdicts.iter().zip(candidates) {
        if let Verdict::Attested(HexBytes(bytes)) = verdict {
            let attestation = Attestation::from_bytes(bytes).map_err(|_| combiner.unacceptable())?;
            check_attestation(round, combiner.holder, &candidate.header, &attestation)
                .map_err(|_| combiner.unacceptable())?;
        }
    }
    Ok(verdicts)
}
