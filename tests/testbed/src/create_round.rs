//! Requests to create a round.

use std::time::SystemTime;

use api::rounds::{CreateRound, ProofDemand, Tensor};
use names::ModelDigest;

use crate::EPOCH;

/// Asks for a round with these tensors. It opens at once and closes in an hour. It takes two to
/// eight contributions, demands no proof and pays nothing.
pub fn create_round(model_digest: ModelDigest, tensors: &[(&str, &[u32])]) -> CreateRound {
    let tensor = |&(name, shape): &(&str, &[u32])| Tensor { name: name.into(), shape: shape.into() };
    CreateRound {
        model_digest,
        tensors: tensors.iter().map(tensor).collect(),
        max_contributions: 8,
        min_cohort: 2,
        min_effective: Some(1),
        max_total_weight: None,
        norm_bound: 1 << 18,
        clip: 10.0,
        weight_min: 1,
        weight_max: 5,
        opens_at_ms: None,
        earliest_close_ms: None,
        closes_at_ms: now_ms() + 3_600_000,
        attest_by_ms: None,
        release_by_ms: None,
        credential_epoch: EPOCH,
        proof: ProofDemand::None,
        max_attempts: 2,
        payout: None,
        min_reputation_ppm: 0,
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_millis().try_into().unwrap()
}
