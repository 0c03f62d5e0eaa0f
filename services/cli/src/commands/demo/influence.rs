//! Four hospitals of very different size. The smallest has 0.6 % of the weight and cheats: with
//! norm proofs as well as the proof lets it, and without proofs as much as it likes.

use api::{
    contributions::ContributionState,
    rounds::{CreateRound, ProofDemand, RoundState, Tensor},
};
use client::{Client, Participant, ignore_progress};
use lattice::{CpuBackend, expand::SecretStreamKey};
use masking::{Quantised, RoundConstants, mean, quantise};
use names::{ContributionId, RoundId};
use protocol::{
    VerifiedRound,
    roles::client::{Attempt, Offer, SigningError},
};
use rand::{Rng, SeedableRng, rngs::OsRng, rngs::StdRng};

use super::{
    federation::Federation,
    forgery::{Forgery, scaled},
    round,
};
use crate::{
    error::{CommandError, Result},
    installation::Installation,
};

/// The weights of the sites. The first one cheats.
const WEIGHTS: [u32; 4] = [6, 110, 364, 520];
const CHEATER: usize = 0;
const DIMENSION: u32 = 4096;
const CLIP: f64 = 1.0;
/// The length of every honest update.
const LENGTH: f64 = 0.9;
/// The factor by which the cheater first multiplies its update.
const INFLATION: i32 = 1000;
/// The lengths that the cheater tries, as multiples of the bound, and how often it tries each.
const SEARCH: [(f64, usize); 4] = [(1.6, 20), (1.5, 100), (1.45, 300), (1.35, 300)];

/// What the cheater reached. Lengths are in units of C.
pub(super) struct Influence {
    /// Its share of the weight.
    pub(super) share: f64,
    /// How far it moved the mean from that with its own honest update, in a round with proofs.
    pub(super) error_bounded: f64,
    /// How far it could at most: 3.76 shares and the rounding of a sum.
    pub(super) limit: f64,
    /// How far it moved the mean in a round without proofs.
    pub(super) error_unbounded: f64,
}

struct Hospitals<'a> {
    federation: &'a Federation,
    sites: Vec<(Client, Participant)>,
}

/// A round of the hospitals, and what each has learnt for it.
struct Trial<'a> {
    hospitals: &'a Hospitals<'a>,
    round: VerifiedRound,
    updates: [Vec<f32>; 4],
}

/// Runs both rounds.
pub(super) async fn measure(federation: &Federation, installation: &Installation) -> Result<Influence> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut sites = Vec::new();
    for weight in WEIGHTS {
        let (client, participant) = Federation::outsider(installation, &format!("hospital-{weight}"))?;
        client.enrol(&participant).await?;
        sites.push((client, participant));
    }
    let hospitals = Hospitals { federation, sites };
    let proved = hospitals.open(ProofDemand::NormV2, &mut rng).await?;
    proved.inflate().await?;
    let error_bounded = proved.finish(slack).await?;
    let unproved = hospitals.open(ProofDemand::None, &mut rng).await?;
    let error_unbounded = unproved.finish(inflated).await?;
    let (constants, total) = (proved.round.constants(), f64::from(WEIGHTS.iter().sum::<u32>()));
    let share = f64::from(WEIGHTS[CHEATER]) / total;
    let rounding = (constants.padded_dimension as f64).sqrt() / (constants.scale * total * CLIP);
    Ok(Influence { share, error_bounded, limit: 3.76 * share + rounding, error_unbounded })
}

/// The cohort of these rounds: every site.
pub(super) const MIN_COHORT: u32 = WEIGHTS.len() as u32;

/// A contribution that the cheater would like to send, and the integers in it.
type Cheat = (ContributionId, Vec<u8>, Quantised);

impl Hospitals<'_> {
    async fn open(&self, proof: ProofDemand, rng: &mut StdRng) -> Result<Trial<'_>> {
        let operator = &self.federation.operator;
        let model_digest = operator.put_model(&OsRng.r#gen::<[u8; 32]>()).await?;
        let tensors = vec![Tensor { name: "update".to_owned(), shape: vec![DIMENSION] }];
        let (cohort, closes_at_ms) = (MIN_COHORT..=WEIGHTS.len() as u32, round::closing_time_ms());
        let spec = CreateRound {
            min_effective: Some(2),
            max_total_weight: Some(WEIGHTS.iter().map(|&weight| u64::from(weight)).sum()),
            norm_bound: 1 << 20,
            weight_min: WEIGHTS[0],
            weight_max: WEIGHTS[3],
            proof,
            ..CreateRound::new(model_digest, tensors, cohort, CLIP, closes_at_ms, local::parties::EPOCH)
        };
        let id = operator.create_round(&spec).await?.round_id;
        round::wait(self.federation, id, |view| view.state == RoundState::Open).await?;
        let round = self.federation.observer.open_round(id).await?;
        Ok(Trial { hospitals: self, round, updates: WEIGHTS.map(|_| update(rng)) })
    }
}

impl Trial<'_> {
    /// Sends the update a thousand times as long, with a proof about the honest one. The aggregator
    /// stores it and finds out.
    async fn inflate(&self) -> Result<()> {
        let (Hospitals { federation, sites }, round) = (self.hospitals, &self.round);
        let (_, participant) = &sites[CHEATER];
        let quantised = quantised(round.constants(), &self.updates[CHEATER])?;
        let (long, honest) = (scaled(round, &quantised, INFLATION.into()), scaled(round, &quantised, 1));
        let forgery = Forgery::mask(round, participant, WEIGHTS[CHEATER], &long)?;
        let proof = forgery.prove_claiming(&honest)?;
        let (id, message) = forgery.message(proof);
        federation.learners[0].misdeeds.submit(round, id, message).await?;
        let round_id = round.document().round_id;
        round::wait(federation, round_id, |view| view.progress.received == 0).await?;
        let view = federation.observer.status(round_id, id).await?;
        if view.state == ContributionState::Rejected {
            Ok(())
        } else {
            Err(CommandError::Demo("an update a thousand times too long was accepted"))
        }
    }

    /// Lets the honest sites contribute, and the cheater send what `attempt` makes. Returns how far
    /// the published mean is from that with the cheater's honest update.
    async fn finish(
        &self,
        attempt: fn(&VerifiedRound, &Participant, &[f32]) -> Result<Cheat>,
    ) -> Result<f64> {
        let (Hospitals { federation, sites }, round) = (self.hospitals, &self.round);
        for (site, (client, participant)) in sites.iter().enumerate().filter(|(site, _)| *site != CHEATER) {
            let (update, weight) = (&self.updates[site], WEIGHTS[site]);
            client.contribute(round, participant, update, weight, ignore_progress()).await?;
        }
        let work = || attempt(round, &sites[CHEATER].1, &self.updates[CHEATER]);
        let (id, message, cheated) = tokio::task::block_in_place(work)?;
        federation.learners[0].misdeeds.submit(round, id, message).await?;
        let round_id: RoundId = round.document().round_id;
        round::wait(federation, round_id, |view| view.state == RoundState::Published).await?;
        let sum = federation.observer.result_sum(round).await?;
        let honest = quantised(round.constants(), &self.updates[CHEATER])?;
        let changes = honest.values().iter().zip(cheated.values());
        let corrected: Vec<i64> = sum
            .values
            .iter()
            .zip(changes)
            .map(|(sum, (honest, cheated))| sum + i64::from(*honest) - i64::from(*cheated))
            .collect();
        let decode = |sums: &[i64]| mean(sums, round.constants(), sum.result.total_weight);
        Ok(distance(&decode(&sum.values), &decode(&corrected)) / CLIP)
    }
}

/// A contribution as long as the proof lets it be. The cheater makes contributions until one has a
/// projection that can be proved, the longest first.
fn slack(round: &VerifiedRound, participant: &Participant, update: &[f32]) -> Result<Cheat> {
    for (factor, tries) in SEARCH {
        for _ in 0..tries {
            if let Some(attempt) = lengthened(round, participant, update, factor)? {
                return Ok(attempt);
            }
        }
    }
    Err(CommandError::Demo("no contribution of 1.35 times the bound has a proof"))
}

/// A contribution a thousand times as long as its bound.
fn inflated(round: &VerifiedRound, participant: &Participant, update: &[f32]) -> Result<Cheat> {
    let attempt = lengthened(round, participant, update, INFLATION.into())?;
    attempt.ok_or(CommandError::Demo("a round without proofs demands one"))
}

/// A contribution against the update whose length is `factor` times the bound of its weight. `None`
/// if its projection is too long for a proof.
fn lengthened(
    round: &VerifiedRound,
    participant: &Participant,
    update: &[f32],
    factor: f64,
) -> Result<Option<Cheat>> {
    let weight = WEIGHTS[CHEATER];
    let mut loose = *round.constants();
    let longest = loose.noisy_norm_bound_of(weight) as f64 / loose.delta() as f64 * factor;
    loose.scale = longest / (f64::from(weight) * LENGTH);
    loose.norm_bound = (1 << 31) - 1;
    let against: Vec<f32> = update.iter().map(|x| -x).collect();
    let quantised = quantised(&loose, &against)?;
    let Participant { identity, credential } = participant;
    let offer = Offer { round, identity, credential, update: &against, weight };
    let backend = CpuBackend::new();
    let mut masking = Attempt::new(offer, 0, &mut OsRng).mask(&backend, &quantised);
    let (mut body, mut chunk) = (Vec::new(), Vec::new());
    while masking.next_chunk(&mut chunk)? {
        body.extend_from_slice(&chunk);
    }
    let masked = masking.finish().map_err(CommandError::refused("contribution"))?;
    match masked.sign(|_, _| ()) {
        Ok(prefix) => {
            let id = prefix.header.contribution_id;
            Ok(Some((id, [prefix.to_bytes(), body].concat(), quantised)))
        }
        Err(SigningError::TooLong) => Ok(None),
        Err(_) => Err(CommandError::Unexpected { what: "holder's key" }),
    }
}

fn quantised(constants: &RoundConstants, update: &[f32]) -> Result<Quantised> {
    quantise(update, WEIGHTS[CHEATER], constants, SecretStreamKey::generate(&mut OsRng))
        .map_err(|_| CommandError::Unexpected { what: "update" })
}

/// A dense update of the length that every honest one has.
fn update(rng: &mut StdRng) -> Vec<f32> {
    let values: Vec<f64> = (0..DIMENSION).map(|_| rng.gen_range(-1.0..1.0)).collect();
    let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    values.iter().map(|v| (v * LENGTH / length) as f32).collect()
}

fn distance(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}
