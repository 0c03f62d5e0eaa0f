//! State `releasing`: every holder gives the sum of its key shares over the fixed set, once and for
//! this set only.

use api::{HexBytes, ProblemKind, combiner::ReleaseCall, rounds::RoundState};
use futures::{StreamExt, TryStreamExt, future::try_join_all};
use kit::{Error, Result, vault::round_key};
use names::{RoundId, SetRoot};
use protocol::{
    Canonical, ContributionHeader, Refusal, ReleaseAnswer, ReleaseRequest, SealedSeeds, Signed,
    VerifiedRound,
    roles::{
        aggregator::{HOLDER, check_answer},
        combiner::{AttestedMember, answer},
    },
};

use super::{
    lifecycle::{Event, LockedRound, set_root},
    showing::show_refused,
    step::{Next, Step},
    unmasking,
};
use crate::{
    combiners::{Combiner, CombinerError},
    members,
    state::App,
    store::{
        closing::{self, MemberRow},
        contributions,
        jobs::Kind,
        release_waits,
        rounds::{Facts, RoundRow},
    },
    stored_round::{self, own_key},
};

/// Asks for the release, once the whole masked sum is stored.
pub(crate) async fn enter(round: &mut LockedRound<'_>) -> Result<()> {
    round.advance(Event::AllFolded, Facts::default()).await?;
    round.enqueue(Kind::Release, "").await
}

/// Job `release`: collects the sums of key shares.
pub(crate) struct Release;

impl Step for Release {
    const NAME: &'static str = "release";
    const STATES: &'static [RoundState] = &[RoundState::Releasing];

    /// The holders' answers, the aggregator's first.
    type Done = Vec<Vec<u8>>;

    async fn work(&self, app: &App, round: &RoundRow) -> Result<Vec<Vec<u8>>> {
        collect(app, round.round_id.0, set_root(round)?, stored_round::verified(round)?).await
    }

    async fn record(&self, _: &App, round: &mut LockedRound<'_>, answers: &Vec<Vec<u8>>) -> Result<Next> {
        let (round_id, now) = (round.id(), round.now);
        closing::insert_answers(round.tx, &round_id, answers, now).await?;
        unmasking::enter(round).await?;
        Ok(Next::Finish)
    }
}

/// Collects the checked answers of all holders. The aggregator's answer comes first.
async fn collect(app: &App, round_id: RoundId, root: SetRoot, round: VerifiedRound) -> Result<Vec<Vec<u8>>> {
    let members = members::stream(app, round_id).map(|row| attested(&row?));
    let members: Vec<AttestedMember> = members.try_collect().await?;
    let hashes = members.iter().map(|member| member.header.hash()).collect();
    let request = ReleaseRequest::over(*round.hash(), hashes).sign(&app.identity);
    if request.root != root {
        return Err(Error::fault("the stored members are not those of the root"));
    }
    round_key::bind(&app.vault, round_id, root).await?;
    let refusals = signed_refusals(app, round_id).await?;
    let call = ReleaseCall { request: HexBytes(request.to_bytes()), refusals };
    let asked = app.combiners.iter().map(|combiner| ask(app, combiner, round_id, &round, &call));
    let combined = try_join_all(asked).await?;
    let own = own_answer(app, root, &round, &members).await?;
    let answers: Vec<ReleaseAnswer> = std::iter::once(own).chain(combined).collect();
    let headers: Vec<ContributionHeader> = members.into_iter().map(|member| member.header).collect();
    let check = move || {
        let valid = |answer: &ReleaseAnswer| check_answer(&round, &headers, answer);
        answers.iter().try_for_each(valid).map(|()| answers.iter().map(Canonical::to_bytes).collect())
    };
    app.compute.run(check).await?.map_err(|refusal: Refusal| Error::fault(refusal))
}

/// The combiners' signed refusals of contributions to a round. They excuse participants that are
/// not in the set.
async fn signed_refusals(app: &App, round_id: RoundId) -> Result<Vec<HexBytes>> {
    let refusals = contributions::combiners_refusals(&app.db, &round_id).await?;
    Ok(refusals.into_iter().map(HexBytes).collect())
}

/// Asks a combiner for its answer. A combiner that misses participants is shown those whose proof
/// does not verify, and asked again.
async fn release(
    app: &App,
    combiner: &Combiner,
    round: &VerifiedRound,
    call: &ReleaseCall,
) -> std::result::Result<Vec<u8>, CombinerError> {
    let answer = combiner.release(*round.hash(), call).await;
    if answer.as_ref().is_err_and(|error| error.refusal() == Some(ProblemKind::LeftOut)) {
        match show_refused(app, combiner, round).await {
            Ok(0) => {}
            Ok(_) => return combiner.release(*round.hash(), call).await,
            Err(error) => {
                let (holder, error) = (combiner.holder, error.chain());
                tracing::warn!(holder, error, "the combiner could not be shown refused proofs");
            }
        }
    }
    answer
}

/// Asks a combiner for its answer. The round says for whom it waits, if it waits.
async fn ask(
    app: &App,
    combiner: &Combiner,
    round_id: RoundId,
    round: &VerifiedRound,
    call: &ReleaseCall,
) -> Result<ReleaseAnswer> {
    let answer = match release(app, combiner, round, call).await {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(reason) = error.waits() {
                release_waits::record(&app.db, &round_id, combiner.holder, reason, app.now()).await?;
            }
            return Err(error.into());
        }
    };
    let answer = ReleaseAnswer::from_bytes(&answer).map_err(|_| combiner.unacceptable())?;
    if answer.holder == combiner.holder { Ok(answer) } else { Err(combiner.unacceptable().into()) }
}

async fn own_answer(
    app: &App,
    root: SetRoot,
    round: &VerifiedRound,
    members: &[AttestedMember],
) -> Result<ReleaseAnswer> {
    let key = own_key(app, round).await?;
    let (app, round, members) = (app.clone(), round.clone(), members.to_vec());
    let pool = app.clone();
    let summed = pool.compute.run(move || {
        let members: Vec<&AttestedMember> = members.iter().collect();
        answer(&round, &root, HOLDER, &key, &members, &app.identity)
    });
    summed.await?.map_err(Error::fault)
}

fn attested(row: &MemberRow) -> Result<AttestedMember> {
    let sealed = SealedSeeds::from_bytes(&row.sealed_seeds).map_err(Error::fault)?;
    Ok(AttestedMember { header: members::header(row)?, sealed })
}
