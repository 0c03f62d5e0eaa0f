//! The names that states have in SQL: those of the REST contract.

use api::{
    contributions::ContributionState,
    rounds::{FailureCode, RoundState},
};
use sqlx::{Decode, Encode, Postgres, Type, encode::IsNull, error::BoxDynError, postgres};

/// A state as a column of type `TEXT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column<S>(pub(crate) S);

/// A state that has a name.
pub(crate) trait Named: Copy + PartialEq + 'static {
    /// Every state with its name.
    const NAMES: &'static [(Self, &'static str)];

    /// The name.
    fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(state, _)| *state == self);
        named.map(|(_, name)| *name).expect("every state is listed")
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

impl<S> Type<Postgres> for Column<S> {
    fn type_info() -> postgres::PgTypeInfo {
        <&str as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &postgres::PgTypeInfo) -> bool {
        <&str as Type<Postgres>>::compatible(ty)
    }
}

impl<S: Named> Encode<'_, Postgres> for Column<S> {
    fn encode_by_ref(&self, buffer: &mut postgres::PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <&str as Encode<'_, Postgres>>::encode(self.0.name(), buffer)
    }
}

impl<'r, S: Named> Decode<'r, Postgres> for Column<S> {
    fn decode(value: postgres::PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <&str as Decode<'r, Postgres>>::decode(value)?;
        let known = S::NAMES.iter().find(|(_, name)| *name == text);
        known.map(|(state, _)| Self(*state)).ok_or_else(|| format!("unknown state {text}").into())
    }
}
