//! The search for δ and τ.

use std::cmp::Ordering;

use lattice::MODULUS;

use super::{
    error::{ConstantsError, Remedy},
    request::RoundRequest,
};

/// A candidate for (δ, τ) and the bounds that follow from it.
pub(super) struct Pair {
    pub(super) scale_log2: u32,
    pub(super) transport_bits: u32,
    pub(super) noisy_norm_bound: u128,
    pub(super) influence_bound: u128,
    /// ⌈√d'⌉·(2¹⁸ + 2^(τ−1)), bound of the norm of the errors and of the rounding for transport.
    errors: u128,
}

impl Pair {
    const SCALES: std::ops::RangeInclusive<u32> = 20..=44;
    const TRANSPORT: std::ops::RangeInclusive<u32> = 1..=32;

    /// The candidates for a request, best first.
    fn candidates(request: &RoundRequest) -> impl Iterator<Item = Self> {
        let (root, norm_bound) = (request.dimension_root(), request.norm_bound);
        let pairs = Self::SCALES
            .rev()
            .flat_map(|scale| Self::TRANSPORT.rev().map(move |transport| (scale, transport)));
        pairs.map(move |(scale, transport)| Self::new(root, norm_bound, scale, transport))
    }

    fn new(dimension_root: u64, norm_bound: u64, scale_log2: u32, transport_bits: u32) -> Self {
        let errors = u128::from(dimension_root) * ((1_u128 << 18) + (1 << (transport_bits - 1)));
        let noisy_norm_bound = (u128::from(norm_bound) << scale_log2) + errors;
        let influence_bound = (271 * noisy_norm_bound).div_ceil(100);
        Self { scale_log2, transport_bits, noisy_norm_bound, influence_bound, errors }
    }

    pub(super) fn choose(request: &RoundRequest) -> Result<Self, ConstantsError> {
        let mut misses = Vec::new();
        for pair in Self::candidates(request) {
            match pair.check(request) {
                Ok(()) => return Ok(pair),
                Err(miss) => misses.push(miss),
            }
        }
        let closest = misses.into_iter().min_by(Miss::order).expect("there are candidates");
        Err(match closest.error {
            ConstantsError::Errors { scale_log2, lightest, least, weight_min, .. } => {
                let remedy = Self::remedy(request);
                ConstantsError::Errors { scale_log2, lightest, least, weight_min, remedy }
            }
            error => error,
        })
    }

    /// The smallest norm bound, and the largest ratio of the weights, with which a round would be
    /// possible that is otherwise as requested.
    pub(super) fn remedy(request: &RoundRequest) -> Remedy {
        let mut remedy = Remedy { norm_bound: None, ratio: None };
        for pair in Self::candidates(request) {
            let least = pair.least_lightest().max(request.least_lightest_norm_bound());
            // B(w_min) = ⌊B·w_min/w_max⌋ reaches `least` from this B on.
            let needed = u128::from(least) * u128::from(request.weight_max);
            let norm_bound = needed.div_ceil(request.weight_min.into());
            if let Ok(norm_bound) = u64::try_from(norm_bound)
                && norm_bound < remedy.norm_bound.unwrap_or(1 << 31)
            {
                let other = RoundRequest { norm_bound, ..*request };
                let (scale, transport) = (pair.scale_log2, pair.transport_bits);
                let same_pair = Self::new(request.dimension_root(), norm_bound, scale, transport);
                if same_pair.check_sums(&other).is_ok() {
                    remedy.norm_bound = Some(norm_bound);
                }
            }
            let ratio = request.norm_bound / least;
            if ratio > 0 && pair.check_sums(request).is_ok() {
                remedy.ratio = remedy.ratio.max(Some(ratio));
            }
        }
        remedy
    }

    /// The smallest B(w_min) of which the errors are a 256th, ⌈256·errors/2^δ⌉.
    fn least_lightest(&self) -> u64 {
        u64::try_from((256 * self.errors).div_ceil(1 << self.scale_log2)).unwrap_or(u64::MAX)
    }

    /// Checks all conditions in order. Returns the first one that fails.
    fn check(&self, request: &RoundRequest) -> Result<(), Miss> {
        self.check_sums(request)?;
        let (lightest, least) = (request.lightest_norm_bound(), self.least_lightest());
        if lightest < least {
            let remedy = Remedy { norm_bound: None, ratio: None };
            let (scale_log2, weight_min) = (self.scale_log2, request.weight_min);
            let error = ConstantsError::Errors { scale_log2, lightest, least, weight_min, remedy };
            return Err(Miss::new(4, least.into(), lightest.into(), error));
        }
        Ok(())
    }

    /// Checks the conditions that do not depend on the smallest weight.
    fn check_sums(&self, request: &RoundRequest) -> Result<(), Miss> {
        let &Self { scale_log2, transport_bits, influence_bound, .. } = self;
        let max_contributions = request.max_contributions;
        let (q, n) = (u128::from(MODULUS), u128::from(max_contributions));
        let (total, limit) = (self.total_influence(request), (q - 1) / 2);
        if total >= limit {
            let error = ConstantsError::Overflow { scale_log2, transport_bits, total, limit };
            return Err(Miss::new(0, total, limit, error));
        }
        if 125 * influence_bound > q {
            let error =
                ConstantsError::Influence { scale_log2, transport_bits, influence_bound, limit: q / 125 };
            return Err(Miss::new(1, influence_bound, q / 125, error));
        }
        if n > 1 << transport_bits {
            let error = ConstantsError::Transport { scale_log2, transport_bits, max_contributions };
            return Err(Miss::new(2, n, 1 << transport_bits, error));
        }
        let variance = 64 * n * (((1 << 36) - 1) * 8 + (1 << (2 * transport_bits)));
        let margin = (1_u128 << (scale_log2 - 1)).saturating_sub(4 * n);
        let limit = 12 * margin * margin;
        if variance >= limit {
            let error = ConstantsError::Noise { scale_log2, transport_bits, variance, limit };
            return Err(Miss::new(3, variance, limit, error));
        }
        Ok(())
    }

    /// ⌈2.71·(2^δ·B·W/w_max + n_max·errors)⌉ + n_max. It bounds the sum of ⌈2.71·B_φ(w)⌉ over any
    /// set of at most n_max contributions with total weight at most W.
    fn total_influence(&self, request: &RoundRequest) -> u128 {
        let (n, largest) = (u128::from(request.max_contributions), u128::from(request.weight_max));
        let updates =
            (u128::from(request.norm_bound) << self.scale_log2) * u128::from(request.max_total_weight);
        (271 * (updates + n * self.errors * largest)).div_ceil(100 * largest) + n
    }
}

/// A condition that a candidate misses.
struct Miss {
    /// The number of conditions that the candidate meets before this one.
    met: u8,
    /// The offending value divided by its limit.
    excess: f64,
    error: ConstantsError,
}

impl Miss {
    fn new(met: u8, value: u128, limit: u128, error: ConstantsError) -> Self {
        Self { met, excess: value as f64 / limit as f64, error }
    }

    /// Orders the closest candidate first: by more conditions met, then by smaller excess.
    fn order(&self, other: &Self) -> Ordering {
        other.met.cmp(&self.met).then(self.excess.total_cmp(&other.excess))
    }
}
