//! Round documents.

use masking::RoundConstants;
use names::PublicKey;
use protocol::{Holder, Proof, RoundDocument, Tensor, Tolerance};
use rand::RngCore;

use crate::EPOCH;

/// Builds a round document. A test sets only what it needs. Everything that follows from it is
/// derived.
#[derive(Clone, Debug)]
pub struct RoundBuilder(RoundDocument);

impl RoundBuilder {
    /// Starts a document with one tensor of 2048 coordinates, for three to six contributions.
    pub fn new(registrar: PublicKey, holders: Vec<Holder>) -> Self {
        let document = RoundDocument {
            round_id: [1; 16].into(),
            model_digest: [2; 32].into(),
            model_bytes: 8192,
            model_location: "/v1/models/00".into(),
            tensors: Vec::new(),
            dimension: 0,
            max_contributions: 6,
            min_cohort: 3,
            min_effective: 1,
            max_total_weight: 0,
            norm_bound: 1 << 18,
            scale_log2: 0,
            transport_bits: 0,
            noisy_norm_bound: 0,
            clip: 1.5,
            scale: 0.0,
            weight_min: 1,
            weight_max: 10,
            normalise_floor: None,
            mask_seed: [3; 32].into(),
            opens_at_ms: 1_000,
            earliest_close_ms: 2_000,
            closes_at_ms: 3_000,
            attest_by_ms: 4_000,
            release_by_ms: 5_000,
            registrar_key: registrar,
            credential_epoch: EPOCH,
            tolerance: Tolerance::of(holders.len()),
            holders,
            proof: Proof::None,
            max_attempts: 2,
            scoring: None,
            payout: None,
            min_reputation_ppm: 0,
            noise: None,
            evaluations: None,
        };
        Self(document).tensors(&[("weight", &[2048])])
    }

    /// Draws the values that distinguish the round: its id, its model digest and the seed of its
    /// mask polynomials.
    pub fn draw(mut self, rng: &mut impl RngCore) -> Self {
        self.0.round_id = draw::<16>(rng).into();
        self.0.model_digest = draw::<32>(rng).into();
        self.0.mask_seed = draw::<32>(rng).into();
        self
    }

    /// Lays out these tensors one after the other. Their total size is the dimension.
    pub fn tensors(mut self, tensors: &[(&str, &[u32])]) -> Self {
        self.0.tensors.clear();
        self.0.dimension = 0;
        for &(name, shape) in tensors {
            let tensor =
                Tensor { name: name.into(), shape: shape.into(), offset: self.0.dimension, scale: None };
            self.0.dimension += tensor.size().unwrap();
            self.0.tensors.push(tensor);
        }
        self
    }

    /// Changes the fields of the document.
    pub fn set(mut self, change: impl FnOnce(&mut RoundDocument)) -> Self {
        change(&mut self.0);
        self
    }

    /// Returns the document. Its constants follow from its other fields. Without a cap, the largest
    /// total weight is what its capacity and its largest weight allow.
    pub fn document(mut self) -> RoundDocument {
        if self.0.max_total_weight == 0 {
            self.0.max_total_weight = u64::from(self.0.max_contributions) * u64::from(self.0.weight_max);
        }
        let constants = RoundConstants::derive(&self.0.request()).unwrap();
        RoundDocument {
            scale_log2: constants.scale_log2.try_into().unwrap(),
            transport_bits: constants.transport_bits.try_into().unwrap(),
            noisy_norm_bound: constants.noisy_norm_bound,
            scale: constants.scale,
            ..self.0
        }
    }
}

fn draw<const N: usize>(rng: &mut impl RngCore) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
