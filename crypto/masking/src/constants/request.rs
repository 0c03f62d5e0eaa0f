//! What the creator of a round chooses.

/// The parameters that the creator of a round chooses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundRequest {
    /// d, coordinates of an update: 1 to 2³².
    pub dimension: u64,
    /// n_max, contributions in a sum: 1 to 2²⁰.
    pub max_contributions: u32,
    /// B, bound of the ℓ₂ norm of an honest quantised update of the largest weight: 2¹⁰ to 2³¹ − 1.
    pub norm_bound: u64,
    /// C, ℓ₂ norm to which an update is clipped before it is weighted: 1e-9 to 1e9.
    pub clip: f64,
    /// The smallest weight of a contribution, at least 1.
    pub weight_min: u32,
    /// The largest weight of a contribution, at most 2²⁰.
    pub weight_max: u32,
    /// W, the largest sum of weights: `weight_max` to `max_contributions · weight_max`.
    pub max_total_weight: u64,
}
