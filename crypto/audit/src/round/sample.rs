//! Which norm proofs are verified, and how many wrong ones a random sample would reveal.

use std::collections::BTreeSet;

use rand::{CryptoRng, RngCore, seq::index};

use crate::bundle::Bundle;

/// Which norm proofs are verified. Everything else of a round is always verified in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proofs {
    /// Those of all members.
    All,
    /// Those of this many members, drawn at random.
    Sample(usize),
}

impl Proofs {
    /// The indices of the members whose proofs are verified.
    pub(super) fn drawn(self, bundle: &Bundle, rng: &mut (impl CryptoRng + RngCore)) -> BTreeSet<usize> {
        let members = bundle.members.len();
        match self {
            _ if !bundle.demands_proofs() => BTreeSet::new(),
            Self::All => (0..members).collect(),
            Self::Sample(size) => index::sample(rng, members, size.min(members)).into_iter().collect(),
        }
    }
}

/// The smallest number of wrong proofs for which a sample contains a wrong one with 99 %
/// probability. The sample is `sample` of `all` proofs, drawn without replacement.
pub(super) fn found_at_99_percent(all: usize, sample: usize) -> Option<usize> {
    let missed = |wrong: usize| -> f64 {
        (0..sample).map(|drawn| (all - drawn).saturating_sub(wrong) as f64 / (all - drawn) as f64).product()
    };
    let (mut low, mut high) = (1, all + 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if missed(middle) <= 0.01 { high = middle } else { low = middle + 1 }
    }
    (low <= all).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::found_at_99_percent;

    #[test]
    fn samples_say_what_they_would_have_found() {
        // The sample is half of the proofs. So it misses k wrong ones with a probability near 2⁻ᵏ.
        assert_eq!(found_at_99_percent(1000, 500), Some(7));
        assert_eq!(found_at_99_percent(1000, 1000), Some(1));
        // 1 − (1 − f)⁴⁵⁹ = 0.99 for f = 1 %
        assert_eq!(found_at_99_percent(1_000_000, 459), Some(9_981));
        assert_eq!(found_at_99_percent(3, 1), Some(3));
        assert_eq!(found_at_99_percent(3, 0), None);
        assert_eq!(found_at_99_percent(0, 0), None);
    }
}
