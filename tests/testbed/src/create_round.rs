//! Requests to create a round.

use std::time::SystemTime;

use api::rounds::{CreateRound, Tensor};
use names::ModelDigest;

use crate::EPOCH;

/// Asks for a round with these tensors. It opens at once and closes in an hour. It takes two to
/// eight contributions, demands no proof and pays nothing.
pub fn create_round(model_digest: ModelDigest, tensors: &[(&str, &[u32])]) -> CreateRound {
    let tensor = |&(name, shape): &(&str, &[u32])| Tensor { name: name.into(), shape: shape.into() };
    CreateRound {
        min_effective: Some(1),
        weight_max: 5,
        ..CreateRound::new(
            model_digest,
            tensors.iter().map(tensor).collect(),
            2..=8,
            10.0,
            now_ms() + 3_600_000,
            EPOCH,
        )
    }
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_millis().try_into().unwrap()
}
