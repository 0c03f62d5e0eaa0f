//! Values of closed lists. Each has one name in JSON and in SQL.

use api::{
    combiner::CombinerRoundState,
    contributions::ContributionState,
    rounds::{FailureCode, ProofDemand, RoundState},
};

/// A value of a closed list, which has a name.
pub trait Named: Copy + PartialEq + 'static {
    /// All values with their names.
    const NAMES: &'static [(Self, &'static str)];

    /// The name of this value.
    fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(value, _)| *value == self);
        named.map(|(_, name)| *name).expect("every value is listed")
    }

    /// Finds the value with this name.
    fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, listed)| *listed == name).map(|(value, _)| *value)
    }
}

impl Named for RoundState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Preparing, "preparing"),
        (Self::Open, "open"),
        (Self::Settling, "settling"),
        (Self::Folding, "folding"),
        (Self::Releasing, "releasing"),
        (Self::Unmasking, "unmasking"),
        (Self::Published, "published"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
    ];
}

impl Named for ContributionState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Received, "received"),
        (Self::Verified, "verified"),
        (Self::Rejected, "rejected"),
        (Self::Included, "included"),
        (Self::Excluded, "excluded"),
    ];
}

impl Named for FailureCode {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::NotCountersigned, "not-countersigned"),
        (Self::CohortTooSmall, "cohort-too-small"),
        (Self::NotReleased, "not-released"),
        (Self::EndedByOperator, "ended-by-operator"),
        (Self::Internal, "internal"),
    ];
}

impl Named for ProofDemand {
    const NAMES: &'static [(Self, &'static str)] = &[(Self::None, "none"), (Self::NormV2, "norm-v2")];
}

impl Named for CombinerRoundState {
    const NAMES: &'static [(Self, &'static str)] = &[
        (Self::Countersigned, "countersigned"),
        (Self::Released, "released"),
        (Self::Abandoned, "abandoned"),
        (Self::Expired, "expired"),
    ];
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::Serialize;

    use super::*;

    fn are_those_of_json<T: Named + Serialize + Debug>() {
        for &(value, name) in T::NAMES {
            assert_eq!(serde_json::to_value(value).unwrap(), name);
            assert_eq!((value.name(), T::named(name)), (name, Some(value)));
        }
        assert_eq!(T::named("unheard-of"), None);
    }

    #[test]
    fn names_are_those_of_json_and_tell_values_apart() {
        are_those_of_json::<RoundState>();
        are_those_of_json::<ContributionState>();
        are_those_of_json::<FailureCode>();
        are_those_of_json::<ProofDemand>();
        are_those_of_json::<CombinerRoundState>();
    }
}
