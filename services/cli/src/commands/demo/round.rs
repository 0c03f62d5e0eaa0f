//! One round, from the upload of the model to the checked sum.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

use api::{
    bundle::Bundle,
    rounds::{CreateRound, ProofDemand, RoundState, RoundView, Tensor},
};
use names::{ContributionId, RoundId};
use protocol::VerifiedRound;
use tokio::task::JoinSet;

use super::{
    averaging::integer_sum,
    cast::{self, Role},
    federation::Federation,
    learner::{ClientOutcome, Contributed},
    network::{self, Network},
    terms, training_plan,
};
use crate::{
    commands::round::name,
    error::{CommandError, Result},
    output::Output,
    update_file,
};

/// How often to ask for the progress of the round.
const POLL: Duration = Duration::from_millis(20);
/// The limit on one round. A longer one means that something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct RoundOutcome {
    pub(super) id: RoundId,
    /// The outcome of every client that had not left.
    pub(super) outcomes: Vec<ClientOutcome>,
    /// Indices of the clients in the sum.
    pub(super) included: Vec<usize>,
    /// Whether the secure sum equals the plain sum of the included clients, and exactly the
    /// expected clients are included.
    pub(super) sum_identical: bool,
    /// The mean that the published sum gives.
    pub(super) secure_mean: Vec<f32>,
    /// The mean that the plain sum gives.
    pub(super) plain_mean: Vec<f32>,
    pub(super) verify_time: Duration,
    pub(super) close_time: Duration,
    pub(super) result_bytes: u64,
}

/// The plan of a round.
pub(super) struct Plan<'a> {
    pub(super) number: u16,
    /// The role of each client.
    pub(super) roles: &'a [Role],
    pub(super) proof: ProofDemand,
}

pub(super) async fn run(
    federation: &Federation,
    plan: &Plan<'_>,
    model: &Network,
    output: &Output,
) -> Result<RoundOutcome> {
    let id = open(federation, model, plan.proof).await?;
    let outcomes = play(federation, id, plan.number, plan.roles, output).await?;

    let start = Instant::now();
    wait(federation, id, |view| view.progress.received == 0).await?;
    let verify_time = start.elapsed();
    let start = Instant::now();
    federation.operator.close_round(id).await?;
    wait(federation, id, |view| view.state == RoundState::Published).await?;
    let close_time = start.elapsed();

    let round = federation.observer.open_round(id).await?;
    let checked = check(federation, &round, id, &outcomes, plan.proof).await?;
    Ok(RoundOutcome { outcomes, verify_time, close_time, ..checked })
}

/// Uploads the model, creates a round that starts from it, and waits until the round is open.
async fn open(federation: &Federation, model: &Network, proof: ProofDemand) -> Result<RoundId> {
    let tensors: Vec<Tensor> = network::tensors()
        .map(|(name, shape)| Tensor {
            name: name.to_owned(),
            shape: shape.iter().map(|&axis| axis as u32).collect(),
        })
        .collect();
    let bytes = update_file::unflatten(model.parameters(), &layout(&tensors))
        .map_err(|_| CommandError::Unexpected { what: "model" })?;
    let clients = federation.learners.len();
    let cohort = cast::min_cohort(clients) as u32..=clients as u32;
    let model_digest = federation.operator.put_model(&bytes).await?;
    let (clip, closes_at_ms) = (training_plan::CLIP, closing_time_ms());
    let spec = CreateRound {
        norm_bound: 1 << 20,
        weight_max: training_plan::WEIGHT_MAX,
        proof,
        payout: Some(terms::terms()),
        ..CreateRound::new(model_digest, tensors, cohort, clip, closes_at_ms, local::parties::EPOCH)
    };
    let id = federation.operator.create_round(&spec).await?.round_id;
    wait(federation, id, |view| view.state == RoundState::Open).await?;
    Ok(id)
}

fn layout(tensors: &[Tensor]) -> Vec<protocol::Tensor> {
    let mut offset = 0;
    tensors
        .iter()
        .map(|Tensor { name, shape }| {
            let tensor = protocol::Tensor { name: name.clone(), shape: shape.clone(), offset, scale: None };
            offset += tensor.size().expect("the demo's tensors are small");
            tensor
        })
        .collect()
}

/// Lets every client that has not left play its role, all at the same time.
async fn play(
    federation: &Federation,
    id: RoundId,
    number: u16,
    roles: &[Role],
    output: &Output,
) -> Result<Vec<ClientOutcome>> {
    let mut tasks = JoinSet::new();
    for (learner, &role) in federation.learners.iter().zip(roles) {
        if role != Role::Gone {
            tasks.spawn(learner.clone().take_part(id, number, role));
        }
    }
    let bar = output.bar(tasks.len() as u64, &format!("round {number}: clients"));
    let mut outcomes = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        outcomes.push(outcome.expect("clients do not panic")?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    outcomes.sort_by_key(|outcome| outcome.client);
    Ok(outcomes)
}

/// Waits until the round is as asked.
pub(super) async fn wait(
    federation: &Federation,
    id: RoundId,
    until: impl Fn(&RoundView) -> bool,
) -> Result<RoundView> {
    let start = Instant::now();
    loop {
        let view = federation.observer.round(id).await?;
        if until(&view) {
            return Ok(view);
        }
        if matches!(view.state, RoundState::Failed | RoundState::Cancelled) {
            let failure = view.failure.map(|failure| failure.title);
            return Err(CommandError::RoundEnded { state: name(view.state), failure });
        }
        if start.elapsed() > PATIENCE {
            return Err(CommandError::Demo("a round took longer than it should"));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Compares the published sum with the plain sum of the published set. Each client of the set says
/// which integers it contributed.
async fn check(
    federation: &Federation,
    round: &VerifiedRound,
    id: RoundId,
    outcomes: &[ClientOutcome],
    proof: ProofDemand,
) -> Result<RoundOutcome> {
    let observer = &federation.observer;
    let sum = observer.result_sum(round).await?;
    let bundle: Bundle = serde_json::from_slice(&observer.bundle(id).await?)
        .map_err(|_| CommandError::Unexpected { what: "bundle" })?;
    let by_id: BTreeMap<ContributionId, (usize, &Contributed)> = outcomes
        .iter()
        .filter_map(|outcome| outcome.contributed.as_ref().map(|done| (done.id, (outcome.client, done))))
        .collect();
    let members: Vec<_> = bundle.members.iter().map(|member| by_id.get(&member.contribution_id)).collect();
    let known: Vec<_> = members.iter().flatten().collect();

    let plain_sum = integer_sum(known.iter().map(|(_, done)| &done.quantised[..]), sum.values.len());
    let plain_weight: u64 = known.iter().map(|(_, done)| u64::from(done.weight)).sum();
    let counts = |role: Role| role.counts() || proof == ProofDemand::None && role.exceeds_the_bound();
    let expected = outcomes.iter().filter(|outcome| counts(outcome.role)).count();
    let complete = known.len() == members.len() && known.len() == expected;
    for outcome in
        outcomes.iter().filter(|outcome| matches!(outcome.role, Role::Honest | Role::Replayer | Role::Tilter))
    {
        if let Some(done) = &outcome.contributed {
            observer.inclusion(round, &done.receipt).await?;
        }
    }
    let dimension = usize::try_from(round.document().dimension).expect("the sum is in memory");
    // The padding is not compared: a tilted coordinate there may come out as one unit.
    let identical = plain_sum[..dimension] == sum.values[..dimension];
    let mean = |sum: &[i64], weight| masking::mean(&sum[..dimension], round.constants(), weight);
    Ok(RoundOutcome {
        id,
        outcomes: Vec::new(),
        included: known.iter().map(|(client, _)| *client).collect(),
        sum_identical: complete && identical && plain_weight == sum.result.total_weight,
        secure_mean: mean(&sum.values, sum.result.total_weight),
        plain_mean: mean(&plain_sum, plain_weight),
        verify_time: Duration::ZERO,
        close_time: Duration::ZERO,
        result_bytes: 8 * sum.values.len() as u64,
    })
}

/// When a round that begins now ends at the latest.
pub(super) fn closing_time_ms() -> i64 {
    now_ms() + PATIENCE.as_millis() as i64
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).expect("the time fits 63 bits for a long while")
}
