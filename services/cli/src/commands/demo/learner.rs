//! One client of the demo: its data, its key, and its role in a round.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use client::{Client, ClientError, Participant, ignore_progress};
use names::{ContributionId, RoundId};
use protocol::{Receipt, VerifiedRound};

use super::{
    cast::Role,
    cheating,
    digits::Sample,
    misdeeds::{Misdeeds, Refused},
    network::Network,
    training_plan,
};
use crate::{
    error::{CommandError, Result},
    update_file,
};

pub(super) struct Learner {
    pub(super) index: usize,
    pub(super) client: Client,
    pub(super) participant: Participant,
    pub(super) samples: Vec<Sample>,
    pub(super) misdeeds: Misdeeds,
    pub(super) seed: u32,
    /// The latest honest message that it sent, for a replay.
    pub(super) last_message: Mutex<Option<(ContributionId, Vec<u8>)>>,
}

/// The outcome of one client's round: its contribution, its misdeeds and the answers to them.
pub(super) struct ClientOutcome {
    pub(super) client: usize,
    pub(super) role: Role,
    /// Its contribution, if it sent one that may count.
    pub(super) contributed: Option<Contributed>,
    /// Its misdeeds, with the answer to each.
    pub(super) refused: Vec<Refused>,
    pub(super) train_time: Duration,
}

/// A contribution, with the integers that only its client knows.
pub(super) struct Contributed {
    pub(super) id: ContributionId,
    pub(super) receipt: Receipt,
    pub(super) quantised: Vec<i32>,
    pub(super) weight: u32,
    pub(super) clip_ratio: f64,
    pub(super) bytes: u64,
    pub(super) mask_time: Duration,
    pub(super) prove_time: Duration,
    pub(super) upload_time: Duration,
}

impl Learner {
    pub(super) fn subject(&self) -> &str {
        self.participant.credential.subject.as_str()
    }

    /// Trains, and then plays a role in a round.
    pub(super) async fn take_part(
        self: Arc<Self>,
        id: RoundId,
        number: u16,
        role: Role,
    ) -> Result<ClientOutcome> {
        let round = self.client.open_round(id).await?;
        let (update, train_time) = self.train(&round, number).await?;
        let mut outcome =
            ClientOutcome { client: self.index, role, contributed: None, refused: Vec::new(), train_time };
        match role {
            Role::Honest | Role::LeavesAfter => {
                outcome.contributed = Some(self.contribute(&round, &update).await?)
            }
            Role::Replayer => {
                let earlier = self.last_message.lock().expect("no holder panics").clone();
                outcome.contributed = Some(self.contribute(&round, &update).await?);
                let now = self.last_message.lock().expect("no holder panics").clone();
                outcome.refused = self.misdeeds.replay(&round, now, earlier).await?;
            }
            Role::VanishesBefore => {
                self.prepare(&round, &update).await?;
            }
            Role::Vandal => {
                let message = self.prepare(&round, &update).await?.message()?;
                outcome.refused = self.misdeeds.vandalise(&round, &message).await?;
            }
            Role::Impostor => {
                let impersonated = (&self.client, &self.participant);
                outcome.refused =
                    self.misdeeds.impersonate(&round, impersonated, self.weight(), &update).await?;
            }
            Role::Saboteur => {
                let message = self.prepare(&round, &update).await?.message()?;
                self.misdeeds.sabotage(&round, &message, &self.participant).await?;
            }
            Role::Inflator | Role::Tilter => {
                outcome.contributed = Some(self.cheat(&round, &update, role).await?);
            }
            Role::NoiseMaker | Role::Wrapper | Role::Copyist | Role::Anachronist | Role::Locksmith => {
                self.cheat(&round, &update, role).await?;
            }
            Role::Gone => {}
        }
        Ok(outcome)
    }

    /// Makes and sends a contribution that only the verification of its proof can tell from an
    /// honest one.
    async fn cheat(
        self: &Arc<Self>,
        round: &VerifiedRound,
        update: &[f32],
        role: Role,
    ) -> Result<Contributed> {
        let (learner, verified, update) = (self.clone(), round.clone(), update.to_vec());
        let forge = move || cheating::forge(&learner.participant, learner.weight(), &verified, &update, role);
        let start = Instant::now();
        let forged = tokio::task::spawn_blocking(forge).await.expect("forging does not panic")?;
        let (mask_time, bytes, start) = (start.elapsed(), forged.message.len() as u64, Instant::now());
        let receipt = self.misdeeds.submit(round, forged.id, forged.message).await?;
        Ok(Contributed {
            id: forged.id,
            receipt,
            quantised: forged.quantised,
            weight: self.weight(),
            clip_ratio: 1.0,
            bytes,
            mask_time,
            prove_time: Duration::ZERO,
            upload_time: start.elapsed(),
        })
    }

    pub(super) fn weight(&self) -> u32 {
        training_plan::weight(self.samples.len())
    }

    /// Fetches the model and trains it on the samples of this client. Returns the update and the
    /// training time.
    async fn train(self: &Arc<Self>, round: &VerifiedRound, number: u16) -> Result<(Vec<f32>, Duration)> {
        let model = self.client.model(round).await?;
        let tensors = &round.document().tensors;
        let parameters =
            update_file::flatten(&model, tensors).map_err(|_| CommandError::Unexpected { what: "model" })?;
        let learner = self.clone();
        let train = move || {
            let begun = Instant::now();
            let start = Network::from_parameters(parameters);
            let mut rng = training_plan::randomness(learner.seed, number, learner.index);
            let trained = start.trained(&learner.samples, training_plan::TRAINING, &mut rng);
            (trained.update_since(&start), begun.elapsed())
        };
        Ok(tokio::task::spawn_blocking(train).await.expect("training does not panic"))
    }

    async fn prepare(
        &self,
        round: &VerifiedRound,
        update: &[f32],
    ) -> std::result::Result<client::Prepared, ClientError> {
        self.client.prepare(round, &self.participant, update, self.weight(), ignore_progress()).await
    }

    async fn contribute(&self, round: &VerifiedRound, update: &[f32]) -> Result<Contributed> {
        let prepared = self.prepare(round, update).await?;
        let message = (prepared.contribution_id(), prepared.message()?);
        let stored = self.client.deliver(round, prepared, ignore_progress()).await?;
        *self.last_message.lock().expect("no holder panics") = Some(message);
        let preparation = stored.preparation.expect("the message was prepared just now");
        Ok(Contributed {
            id: stored.id,
            receipt: stored.receipt,
            quantised: preparation.quantised.values().to_vec(),
            weight: self.weight(),
            clip_ratio: preparation.quantised.clip_ratio(),
            bytes: stored.bytes,
            mask_time: preparation.quantise_time + preparation.mask_time,
            prove_time: preparation.prove_time,
            upload_time: stored.upload_time,
        })
    }
}
