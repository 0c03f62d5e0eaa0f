//! What a participant demands of a round, whatever the combiners accept.

use protocol::{Proof, RoundDocument, VerifiedRound};

use crate::ClientError;

/// Everything, in millionths.
const ALL_PPM: u32 = 1_000_000;

/// The least that a round must promise, for this client to send anything in it. The combiners have
/// floors of their own, and a participant need not rely on them. Reading a round needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floors {
    /// The smallest `min_cohort` of a round. Default: 5, as for combiners.
    pub min_cohort: u32,
    /// The smallest `min_effective` of a round: the effective size (Σw)²/Σw² of its cohort.
    /// Default: 1, which every round has.
    pub min_effective: u32,
    /// The largest share of the weight that one participant may have in a mean of the round, in
    /// millionths. It is compared with [`largest_share_ppm`]. Default: all of it.
    pub max_share_ppm: u32,
    /// Whether a round must demand a proof of the norm. Default: no.
    pub norm_proof: bool,
}

impl Default for Floors {
    fn default() -> Self {
        Self { min_cohort: 5, min_effective: 1, max_share_ppm: ALL_PPM, norm_proof: false }
    }
}

impl Floors {
    /// No demands beyond the rules that every round keeps.
    pub const NONE: Self =
        Self { min_cohort: 2, min_effective: 1, max_share_ppm: ALL_PPM, norm_proof: false };

    /// Checks a round against the floors.
    pub(crate) fn check(&self, round: &VerifiedRound) -> Result<(), ClientError> {
        let document = round.document();
        let (floor, found) = (self.min_cohort, document.min_cohort);
        if found < floor {
            return Err(ClientError::CohortFloor { floor, found });
        }
        let (floor, found) = (self.min_effective, document.min_effective);
        if found < floor {
            return Err(ClientError::EffectiveFloor { floor, found });
        }
        if !keeps_share(document, self.max_share_ppm) {
            let (floor_ppm, found_ppm) = (self.max_share_ppm, largest_share_ppm(document));
            return Err(ClientError::ShareFloor { floor_ppm, found_ppm });
        }
        if self.norm_proof && document.proof == Proof::None {
            return Err(ClientError::ProofFloor);
        }
        Ok(())
    }
}

/// An upper bound, in millionths, of the share of the weight that one participant may have in a
/// mean that is published under this document.
///
/// A cohort has k members, from `min_cohort` to `max_contributions`. Two rules bound a share s in
/// it. Every other member has at least `weight_min`, so s ≤ w_max/(w_max + (k − 1)·w_min). The
/// effective size is at least m = `min_effective`, so s² + (1 − s)²/(k − 1) ≤ 1/m, because the
/// squares of the other shares are smallest when those are equal. The first bound falls with k and
/// the second one rises.
pub fn largest_share_ppm(document: &RoundDocument) -> u32 {
    let (mut below, mut kept) = (0, ALL_PPM);
    while kept - below > 1 {
        let middle = below.midpoint(kept);
        match keeps_share(document, middle) {
            true => kept = middle,
            false => below = middle,
        }
    }
    kept
}

/// Whether no share above `share_ppm` is possible. The arithmetic is exact: a share above t needs a
/// cohort for which both bounds are above t, and the largest cohort whose first bound is above t
/// has the largest second one.
fn keeps_share(document: &RoundDocument, share_ppm: u32) -> bool {
    let t = u128::from(share_ppm);
    let rest = u128::from(ALL_PPM.saturating_sub(share_ppm));
    if rest == 0 {
        return true;
    }
    if t == 0 {
        return false;
    }
    let (least, most) = (u128::from(document.weight_min), u128::from(document.weight_max));
    // The first bound is above t while (k − 1)·t·w_min < (1 − t)·w_max.
    let others = (rest * most).div_ceil(t * least).saturating_sub(1);
    let others = others.min(u128::from(document.max_contributions).saturating_sub(1));
    if others + 1 < u128::from(document.min_cohort) {
        return true;
    }
    // With one member more than 1/t there is always a share of 1/k or more. If t < 1/k, that share
    // is above t.
    if t * (others + 1) < u128::from(ALL_PPM) {
        return false;
    }
    // The second bound is above t while m·(t² + (1 − t)²/(k − 1)) < 1.
    let squares = t * t * others + rest * rest;
    u128::from(document.min_effective) * squares >= u128::from(ALL_PPM).pow(2) * others
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::{Holder, RoundDocument};
    use rand::{SeedableRng, rngs::StdRng};
    use sharing::RoundKeyPair;
    use testbed::RoundBuilder;

    use super::*;

    fn document(cohort: (u32, u32), weights: (u32, u32), min_effective: u32) -> RoundDocument {
        let pair = RoundKeyPair::generate(&mut StdRng::seed_from_u64(1));
        let holder =
            Holder { identity_key: [1; 32].into(), hpke_key_id: *pair.id(), hpke_public_key: *pair.public() };
        let mut document = RoundBuilder::new([2; 32].into(), vec![holder.clone(), holder]).document();
        (document.min_cohort, document.max_contributions) = cohort;
        (document.weight_min, document.weight_max) = weights;
        document.min_effective = min_effective;
        document
    }

    #[test]
    fn the_largest_share_follows_from_the_cohort_the_weights_and_the_effective_size() {
        let share =
            |cohort, weights, min_effective| largest_share_ppm(&document(cohort, weights, min_effective));
        assert_eq!(share((5, 100), (1, 1), 1), 200_000, "equal weights");
        assert_eq!(share((5, 5), (1, 4), 1), 500_000, "4 of 8");
        // At most 1/√4 in a large cohort, of which the heaviest has 1000 of about 2000.
        assert!((499_000..=500_000).contains(&share((5, 100_000), (1, 1000), 4)));
        // Five members with s² + (1 − s)²/4 = 1/4: 0.4
        assert_eq!(share((5, 5), (1, 1000), 4), 400_000);
        assert!(share((2, 2), (1, 1_000_000), 1) > 999_990);
    }

    proptest! {
        /// Every set of whole weights that the document allows keeps to the bound.
        #[test]
        fn no_set_that_a_document_allows_has_a_larger_share(
            min_cohort in 2..6_u32,
            more in 0..5_u32,
            weight_min in 1..20_u32,
            range in 0..60_u32,
            effective in 1..6_u32,
            drawn in prop::collection::vec(0.0..=1.0_f64, 10),
            extreme in 0..10_usize,
        ) {
            let (most, min_effective) = (weight_min + range, effective.min(min_cohort));
            let document = document((min_cohort, min_cohort + more), (weight_min, most), min_effective);
            let bound = largest_share_ppm(&document);
            for size in min_cohort..=min_cohort + more {
                let mut weights: Vec<u64> = (0..size as usize)
                    .map(|i| if i < extreme { weight_min.into() } else {
                        u64::from(weight_min) + (drawn[i] * f64::from(range)) as u64
                    })
                    .collect();
                for heaviest in [most.into(), weights[0]] {
                    weights[0] = heaviest;
                    let (sum, squares) = weights.iter().fold((0, 0), |(a, b), w| (a + w, b + w * w));
                    if sum * sum >= u64::from(min_effective) * squares {
                        let largest = weights.iter().max().unwrap();
                        prop_assert!(largest * 1_000_000 <= u64::from(bound) * sum);
                    }
                }
            }
        }
    }
}
