//! After the end of a round: the key is destroyed, the combiners are told, objects that nobody will ask for are removed.
//! Every part may be repeated.

use std::collections::HashSet;

use api::{ProblemKind, rounds::RoundState};
use futures::StreamExt;
use kit::{Result, vault::round_key};

use super::Held;
use crate::{
    flow::{rounds, sum::SumLocation, upload::bodies},
    state::App,
    store::{
        contributions,
        jobs::{self, Kind, Return},
        rounds::RoundRow,
    },
};

/// How often it is looked whether the round's other jobs are done.
const IDLE_PAUSE_MS: i64 = 1_000;

pub(super) async fn run(app: &App, held: &Held) -> Result<()> {
    let round = rounds::find(app, held.round_id()).await?;
    round_key::destroy(&app.vault, round.round_id.0).await?;
    let published = round.state.0 == RoundState::Published;
    // A combiner that cannot be told keeps nobody waiting but this job.
    let told = if published { Ok(()) } else { abandon(app, &round).await };
    let idle = jobs::unfinished(&app.db, &round.round_id, Kind::Retire).await? == 0;
    if idle {
        remove_objects(app, &round).await?;
    }
    told?;
    if idle {
        return held.finish_alone(app, "retire").await;
    }
    let back = Return { run_at: app.now().plus_ms(IDLE_PAUSE_MS), counts: false, error: None };
    Ok(jobs::give_back(&app.db, &held.ids(), held.token, back).await?)
}

/// Of a published round the bodies in the sum and the sum itself stay, of another one nothing. Uploads end with the
/// round and its other jobs are done, so what is there now is all there is.
async fn remove_objects(app: &App, round: &RoundRow) -> Result<()> {
    let kept = contributions::included_bodies(&app.db, &round.round_id).await?;
    let kept: HashSet<String> = kept.into_iter().collect();
    let sum = round.root.map(|root| SumLocation::new(&round.round_hash, &root));
    let sum = sum.map(|sum| match round.state.0 {
        RoundState::Published => sum.folded_folder(),
        _ => sum.folder(),
    });
    for folder in [Some(bodies(&round.round_hash)), sum].into_iter().flatten() {
        let mut objects = std::pin::pin!(app.blobs.list(&folder));
        while let Some(location) = objects.next().await {
            let location = location?;
            if !kept.contains(&location) {
                app.blobs.delete(&location).await?;
            }
        }
    }
    Ok(())
}

/// A combiner that never countersigned the round has nothing to abandon; one that released has destroyed its key. All
/// are told before the first failure counts, so that one that is down does not keep the others' keys alive.
async fn abandon(app: &App, round: &RoundRow) -> Result<()> {
    let mut told = Ok(());
    for combiner in &app.combiners {
        match combiner.abandon(round.round_hash.0).await {
            Err(error)
                if matches!(error.refusal(), Some(ProblemKind::NotFound | ProblemKind::RoundState)) => {}
            outcome => told = told.and(outcome),
        }
    }
    Ok(told?)
}
