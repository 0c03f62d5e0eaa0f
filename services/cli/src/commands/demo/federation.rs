//! The federation: its clients, its rounds, and the models that result.

use std::sync::{Arc, Mutex};

use client::{Client, ClientConfig, Operator, OperatorConfig, Participant};
use names::{PublicKey, Subject};
use protocol::Pins;
use rand::{SeedableRng, rngs::StdRng};

use super::{
    Args, ProofArg,
    averaging::FloatFederation,
    cast::{self, Role},
    digits::{Digits, Sample},
    learner::Learner,
    misdeeds::Misdeeds,
    network::{Network, Training},
    payday,
    round::{self, RoundOutcome},
    split, training_plan,
};
use crate::{
    commands::audit,
    error::{CommandError, Result},
    installation::Installation,
    output::Output,
};

pub(super) struct Federation {
    pins: Pins,
    pub(super) operator: Operator,
    /// Takes no part, and checks everything.
    pub(super) observer: Client,
    pub(super) learners: Vec<Arc<Learner>>,
    pub(super) test: Vec<Sample>,
    shares: Arc<Vec<Vec<Sample>>>,
    initial: Network,
    rng: Mutex<StdRng>,
}

/// A round, and the accuracies of the models after it.
pub(super) struct Advance {
    pub(super) outcome: RoundOutcome,
    pub(super) secure_accuracy: f64,
    pub(super) plain_accuracy: f64,
    pub(super) float_accuracy: f64,
    /// Whether the secure and the plain model are equal, bit for bit.
    pub(super) models_identical: bool,
}

impl Federation {
    /// Deals the data to the clients, makes their keys, and enrols them.
    pub(super) async fn assemble(args: &Args, installation: &Installation) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(args.seed.into());
        let digits = Digits::load();
        let shares = split::by_label(&digits.train, args.clients.into(), &mut rng);
        let initial = Network::initial(&mut rng);
        let observer = connect(installation, "observer")?;
        let Installation { parties, pair, .. } = installation;
        let aggregator_url = &pair.aggregator_url;
        let operator = Operator::new(OperatorConfig::new(aggregator_url, parties.admin_token.clone()))?;
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build();
        let http =
            http.map_err(|error| CommandError::Program { program: "HTTP", message: error.to_string() })?;
        let mut learners = Vec::new();
        for (index, samples) in shares.iter().enumerate() {
            let subject = format!("client-{:03}", index + 1);
            let learner = Learner {
                index,
                client: connect(installation, &subject)?,
                participant: participant(installation, &subject),
                samples: samples.clone(),
                misdeeds: Misdeeds { http: http.clone(), aggregator_url: aggregator_url.clone() },
                seed: args.seed,
                last_message: Mutex::new(None),
            };
            learner.client.enrol(&learner.participant).await?;
            payday::claim_address(&learner).await?;
            learners.push(Arc::new(learner));
        }
        let (test, shares, rng) = (digits.test, Arc::new(shares), Mutex::new(rng));
        let pins = parties.pins();
        Ok(Self { pins, operator, observer, learners, test, shares, initial, rng })
    }

    /// Runs all rounds, each from the model that the last one produced.
    pub(super) async fn run(&self, args: &Args, output: &Output) -> Result<Vec<Advance>> {
        let mut secure = self.initial.clone();
        let mut plain = self.initial.clone();
        let mut float = FloatFederation { network: self.initial.clone() };
        let (mut gone, mut advances) = (Vec::new(), Vec::new());
        let proved = args.proof == ProofArg::NormV1;
        for number in 1..=args.rounds {
            let roles = self.cast(number, &gone, proved);
            let plan = round::Plan { number, roles: &roles, proof: args.proof.into() };
            let outcome = round::run(self, &plan, &secure, output).await?;
            secure.add(&outcome.secure_mean);
            plain.add(&outcome.plain_mean);
            float = self.advance_float(float, outcome.included.clone(), args.seed, number).await;
            gone.extend((0..roles.len()).filter(|&client| roles[client] == Role::LeavesAfter));
            if let Some(out) = &args.out {
                audit::fetch(&self.observer, outcome.id, &out.join(format!("round-{number}"))).await?;
            }
            advances.push(Advance {
                outcome,
                secure_accuracy: secure.accuracy(&self.test),
                plain_accuracy: plain.accuracy(&self.test),
                float_accuracy: float.network.accuracy(&self.test),
                models_identical: secure == plain,
            });
        }
        Ok(advances)
    }

    fn cast(&self, number: u16, gone: &[usize], proved: bool) -> Vec<Role> {
        let mut rng = self.rng.lock().expect("no holder panics");
        cast::cast(self.learners.len(), number, gone, proved, &mut rng)
    }

    async fn advance_float(
        &self,
        mut float: FloatFederation,
        clients: Vec<usize>,
        seed: u32,
        number: u16,
    ) -> FloatFederation {
        let shares = self.shares.clone();
        let advance = move || {
            float.advance(&shares, &clients, seed, number);
            float
        };
        tokio::task::spawn_blocking(advance).await.expect("training does not panic")
    }

    /// The public keys that every party pins.
    pub(super) fn pins(&self) -> &Pins {
        &self.pins
    }

    /// The key that signs results and the log.
    pub(super) fn aggregator_key(&self) -> PublicKey {
        self.pins.aggregator
    }

    /// The accuracy of each client if it trained alone for as many rounds.
    pub(super) fn accuracies_alone(&self, rounds: u16) -> Vec<f64> {
        let training = Training {
            epochs: training_plan::TRAINING.epochs * usize::from(rounds),
            ..training_plan::TRAINING
        };
        let alone = |learner: &Arc<Learner>| {
            let mut rng = training_plan::randomness(learner.seed, 0, learner.index);
            self.initial.trained(&learner.samples, training, &mut rng).accuracy(&self.test)
        };
        self.learners.iter().map(alone).collect()
    }
}

fn connect(installation: &Installation, name: &str) -> Result<Client> {
    let Installation { parties, pair, workplace, .. } = installation;
    let state = workplace.path().join("clients").join(name);
    let config =
        ClientConfig { threads: 1, ..ClientConfig::new(&pair.aggregator_url, parties.pins(), state) };
    Ok(Client::new(config)?)
}

fn participant(installation: &Installation, subject: &str) -> Participant {
    let subject = Subject::new(subject).expect("the demo's names are well-formed");
    let (identity, credential) = installation.parties.participant(subject);
    Participant { identity, credential }
}
