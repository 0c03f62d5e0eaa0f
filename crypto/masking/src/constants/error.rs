//! Why a round is impossible, and what would fit.

use std::fmt;

/// What would make a round possible whose smallest weight gets too small a norm bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The smallest norm bound with which the round is possible. `None` if there is none.
    pub norm_bound: Option<u64>,
    /// The largest ratio of the weights with which the round is possible at its norm bound. `None`
    /// if there is none.
    pub ratio: Option<u64>,
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = "the largest weight at most";
        match (self.norm_bound, self.ratio) {
            (Some(bound), None) => write!(f, "a norm bound of {bound} fits"),
            (Some(bound), Some(times)) => {
                write!(f, "a norm bound of {bound} fits, or {ratio} {times} times the smallest")
            }
            (None, Some(times)) => write!(f, "no norm bound fits, but {ratio} {times} times the smallest"),
            (None, None) => f.write_str("no norm bound fits"),
        }
    }
}

/// The reason why a round with the requested parameters is impossible.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstantsError {
    /// d is outside 1 to 2³².
    #[error("dimension {dimension} is outside 1 to 2^32")]
    Dimension {
        /// d.
        dimension: u64,
    },
    /// n_max is outside 1 to 2²⁰.
    #[error("{max_contributions} contributions are outside 1 to 2^20")]
    Contributions {
        /// n_max.
        max_contributions: u32,
    },
    /// B is outside 2¹⁰ to 2³¹ − 1.
    #[error("norm bound {norm_bound} is outside 2^10 to 2^31 - 1")]
    NormBound {
        /// B.
        norm_bound: u64,
    },
    /// C is outside 1e-9 to 1e9.
    #[error("clip {clip} is outside 1e-9 to 1e9")]
    Clip {
        /// C.
        clip: f64,
    },
    /// The weights are not 1 ≤ w_min ≤ w_max ≤ 2²⁰.
    #[error("weights from {weight_min} to {weight_max} are not in order within 1 to 2^20")]
    Weights {
        /// w_min.
        weight_min: u32,
        /// w_max.
        weight_max: u32,
    },
    /// W is outside w_max to n_max·w_max.
    #[error("a total weight of {max_total_weight} is outside {least} to {most}")]
    TotalWeight {
        /// W.
        max_total_weight: u64,
        /// w_max.
        least: u64,
        /// n_max·w_max.
        most: u64,
    },
    /// B(w_min) is below 2¹⁰ or below 4·⌈√d'⌉. The rounding would be a large part of a contribution
    /// of the smallest weight.
    #[error(
        "contributions of weight {weight_min} get the norm bound {lightest} and need {least} for \
         their rounding: {remedy}"
    )]
    Lightest {
        /// B(w_min).
        lightest: u64,
        /// The smallest B(w_min) for this dimension.
        least: u64,
        /// w_min.
        weight_min: u32,
        /// What would fit.
        remedy: Remedy,
    },
    /// The largest sum of a set reaches (q − 1)/2. It could wrap around.
    #[error("at scale 2^{scale_log2} a sum could reach {total}, which must stay below {limit}")]
    Overflow {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// ⌈2.71·(2^δ·B·W/w_max + n_max·⌈√d'⌉·(2¹⁸ + 2^(τ−1)))⌉ + n_max.
        total: u128,
        /// (q − 1)/2.
        limit: u128,
    },
    /// 125·R > q. A projection of a contribution could wrap around.
    #[error(
        "at scale 2^{scale_log2} a contribution could reach {influence_bound}, at most {limit} is allowed"
    )]
    Influence {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// R.
        influence_bound: u128,
        /// ⌊q/125⌋.
        limit: u128,
    },
    /// n_max > 2^τ. A sum of packed words could overflow 64 bits.
    #[error("sums of {max_contributions} words of 64 - {transport_bits} bits could overflow")]
    Transport {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// n_max.
        max_contributions: u32,
    },
    /// Eight standard deviations of summed error and rounding reach Δ/2.
    #[error(
        "at scale 2^{scale_log2} with {transport_bits} bits rounded away, noise {variance} must stay below {limit}"
    )]
    Noise {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// τ of the closest candidate.
        transport_bits: u32,
        /// 64·n_max·((2³⁶ − 1)·8 + 2^(2τ)), 12 times the square of eight standard deviations.
        variance: u128,
        /// 12·(Δ/2 − 4·n_max)².
        limit: u128,
    },
    /// 256·⌈√d'⌉·(2¹⁸ + 2^(τ−1)) > 2^δ·B(w_min). The errors would be a large part of what a
    /// contribution of the smallest weight may have.
    #[error(
        "at scale 2^{scale_log2} contributions of weight {weight_min} get the norm bound {lightest} \
         and need {least} for their errors: {remedy}"
    )]
    Errors {
        /// δ of the closest candidate.
        scale_log2: u32,
        /// B(w_min).
        lightest: u64,
        /// The smallest B(w_min) for this candidate.
        least: u64,
        /// w_min.
        weight_min: u32,
        /// What would fit.
        remedy: Remedy,
    },
}
