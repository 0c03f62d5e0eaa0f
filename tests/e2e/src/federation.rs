//! Participants and an operator that work with a deployment.

use std::time::{Duration, Instant};

use api::{
    ProblemKind,
    contributions::ContributionState,
    payouts::{Amount, PayoutPolicy, PayoutTerms, Token},
    rounds::{CreateRound, ProofDemand, RoundState, RoundView},
};
use client::{
    Client, ClientConfig, ClientError, Contribution, Floors, Operator, OperatorConfig, Participant,
    ignore_progress,
};
use names::{ContributionId, Subject};
use protocol::VerifiedRound;
use rand::{Rng, SeedableRng, rngs::OsRng, rngs::StdRng};
use testbed::create_round;

use crate::Deployment;

/// An operator and its participants. A test knows the participants' updates, so it can check a sum.
pub struct Federation {
    /// The operator.
    pub operator: Operator,
    /// The enrolled participants.
    pub members: Vec<Member>,
}

/// A participant with its SDK.
pub struct Member {
    /// The key and the credential of the participant.
    pub participant: Participant,
    /// The SDK of the participant. It has a state folder of its own.
    pub client: Client,
}

/// A policy that retries quickly, and for long enough to outlast a restart.
fn patient() -> client::RetryPolicy {
    client::RetryPolicy {
        attempts: 60,
        first_wait: Duration::from_millis(40),
        longest_wait: Duration::from_millis(400),
        ..client::RetryPolicy::default()
    }
}

impl Federation {
    /// Makes `size` participants with credentials of the deployment's registrar.
    /// [`enrol`](Self::enrol) must follow.
    pub fn new(deployment: &Deployment, size: usize) -> Self {
        let members = (0..size).map(|i| Member::new(deployment, &format!("client-{i}"))).collect();
        Self { operator: operator(deployment), members }
    }

    /// Enrols all participants.
    ///
    /// # Errors
    /// The error of the SDK.
    pub async fn enrol(&self) -> Result<(), ClientError> {
        for member in &self.members {
            member.client.enrol(&member.participant).await?;
        }
        Ok(())
    }

    /// Uploads a model and opens a round for updates of `dimension` coordinates. If a crash leaves
    /// the round unfinished, creates another one, as an operator would.
    ///
    /// # Errors
    /// The error of the SDK.
    pub async fn open(&self, dimension: u32, min_cohort: u32, max: u32) -> Result<RoundView, ClientError> {
        self.open_demanding(ProofDemand::None, dimension, min_cohort, max).await
    }

    /// Does the same for a round that demands a proof.
    ///
    /// # Errors
    /// The error of the SDK.
    pub async fn open_demanding(
        &self,
        proof: ProofDemand,
        dimension: u32,
        min_cohort: u32,
        max: u32,
    ) -> Result<RoundView, ClientError> {
        loop {
            match self.create(proof, dimension, min_cohort, max).await {
                Err(error) if error.problem_kind() == Some(ProblemKind::RoundEnded) => {}
                created => return created,
            }
        }
    }

    async fn create(
        &self,
        proof: ProofDemand,
        dimension: u32,
        min_cohort: u32,
        max: u32,
    ) -> Result<RoundView, ClientError> {
        let model: [u8; 32] = OsRng.r#gen();
        let model_digest = self.operator.put_model(&model).await?;
        let request = CreateRound {
            max_contributions: max,
            min_cohort,
            clip: 1.0,
            weight_max: 4,
            credential_epoch: local::parties::EPOCH,
            proof,
            payout: Some(payout()),
            ..create_round(model_digest, &[("update", &[dimension])])
        };
        self.operator.create_round(&request).await
    }

    /// Waits until the round is in one of `states`, and returns the round.
    pub async fn wait_for(&self, round: &RoundView, states: &[RoundState]) -> RoundView {
        let start = Instant::now();
        loop {
            match self.members[0].client.round(round.round_id).await {
                Ok(view) if states.contains(&view.state) => return view,
                other if start.elapsed() > Duration::from_secs(60) => panic!("waited a minute: {other:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until the contribution of this receipt is verified or rejected.
    pub async fn wait_until_checked(
        &self,
        round: &RoundView,
        contribution: ContributionId,
    ) -> ContributionState {
        let start = Instant::now();
        loop {
            match self.members[0].client.status(round.round_id, contribution).await {
                Ok(view) if view.state != ContributionState::Received => return view.state,
                other if start.elapsed() > Duration::from_secs(60) => panic!("waited a minute: {other:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

impl Member {
    /// Makes a participant with this name. It is not enrolled.
    pub fn new(deployment: &Deployment, subject: &str) -> Self {
        let name = Subject::new(subject).expect("a subject");
        let (identity, credential) = deployment.parties.participant(name);
        Self { participant: Participant { identity, credential }, client: sdk(deployment, subject) }
    }

    /// Contributes an update that is drawn from `seed`.
    ///
    /// # Errors
    /// The error of the SDK.
    pub async fn contribute(&self, round: &VerifiedRound, seed: u64) -> Result<Contribution, ClientError> {
        let update = update(round.document().dimension, seed);
        self.client.contribute(round, &self.participant, &update, 1, ignore_progress()).await
    }
}

/// The pool of every round, in the smallest units of its asset.
pub const POOL: u128 = 3_000_000_000_000_000_000_000;
/// The chain of the token that rounds pay in.
pub const CHAIN: u64 = 31_337;

fn payout() -> PayoutTerms {
    let token = Token { chain_id: CHAIN, contract: "0x5fbdb2315678afecb367f032d93f642f64180aa3".into() };
    PayoutTerms { policy: PayoutPolicy::ScoreReputation, pool: Amount(POOL), token: Some(token) }
}

/// Draws an update with coordinates of both signs.
pub fn update(dimension: u64, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..dimension).map(|_| rng.gen_range(-0.01..0.01)).collect()
}

/// Adds the quantised values of a contribution to `sum`.
pub fn add_quantised(sum: &mut Vec<i64>, contribution: &Contribution) {
    let values = contribution.preparation.as_ref().expect("prepared in this run").quantised.values();
    sum.resize(values.len(), 0);
    sum.iter_mut().zip(values).for_each(|(sum, &value)| *sum += i64::from(value));
}

fn operator(deployment: &Deployment) -> Operator {
    let mut config = OperatorConfig::new(deployment.aggregator_url(), deployment.parties.admin_token.clone());
    config.retry = patient();
    Operator::new(config).expect("an operator")
}

fn sdk(deployment: &Deployment, subject: &str) -> Client {
    let state = deployment.dir.path().join("clients").join(subject);
    let mut config = ClientConfig::new(deployment.aggregator_url(), deployment.pins.clone(), state);
    config.retry = patient();
    config.floors = Floors::NONE;
    Client::new(config).expect("a client")
}
