//! The federation: its clients and their data.

use std::sync::{Arc, Mutex};

use client::{Client, ClientConfig, Floors, Operator, OperatorConfig, Participant};
use names::{PublicKey, Subject};
use protocol::Pins;
use rand::{SeedableRng, rngs::StdRng};

use super::{
    args::Args,
    averaging::FloatFederation,
    cast::{self, Role},
    digits::{Digits, Sample},
    learner::Learner,
    misdeeds::Misdeeds,
    network::{Network, Training},
    split, terms, training_plan,
};
use crate::{
    error::{CommandError, Result},
    installation::Installation,
};

pub(super) struct Federation {
    pins: Pins,
    pub(super) operator: Operator,
    /// A client that does not contribute, and checks everything.
    pub(super) observer: Client,
    pub(super) learners: Vec<Arc<Learner>>,
    pub(super) test: Vec<Sample>,
    shares: Arc<Vec<Vec<Sample>>>,
    pub(super) initial: Network,
    rng: Mutex<StdRng>,
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
            terms::claim_address(&learner).await?;
            learners.push(Arc::new(learner));
        }
        let (test, shares, rng) = (digits.test, Arc::new(shares), Mutex::new(rng));
        let pins = parties.pins();
        Ok(Self { pins, operator, observer, learners, test, shares, initial, rng })
    }

    /// The role of each client in a round.
    pub(super) fn cast(&self, number: u16, gone: &[usize], proved: bool) -> Vec<Role> {
        let mut rng = self.rng.lock().expect("no holder panics");
        cast::cast(self.learners.len(), number, gone, proved, &mut rng)
    }

    /// Trains in the clear, with the clients whose contributions are in the sum.
    pub(super) async fn advance_float(
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

    /// A participant that is no client of the federation, with its SDK. It is not enrolled.
    pub(super) fn outsider(installation: &Installation, subject: &str) -> Result<(Client, Participant)> {
        Ok((connect(installation, subject)?, participant(installation, subject)))
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
    // The demo's rounds are smaller than a participant would accept elsewhere.
    let floors = Floors::NONE;
    let config = ClientConfig {
        threads: 1,
        floors,
        combiner_urls: vec![pair.combiner_url.clone()],
        ..ClientConfig::new(&pair.aggregator_url, parties.pins(), state)
    };
    Ok(Client::new(config)?)
}

fn participant(installation: &Installation, subject: &str) -> Participant {
    let subject = Subject::new(subject).expect("the demo's names are well-formed");
    let (identity, credential) = installation.parties.participant(subject);
    Participant { identity, credential }
}
