//! Typed values in database columns.

mod named;

use std::{fmt, ops::Deref};

use api::{
    combiner::CombinerRoundState,
    contributions::ContributionState,
    rounds::{FailureCode, ProofDemand, RoundState},
};
use names::{
    BodyDigest, ChunkDigest, ContributionId, EncodedCommitment, HeaderHash, LayoutDigest, ModelDigest,
    PublicKey, RoundHash, RoundId, RoundKeyId, RoundPublicKey, SealedDigest, SetRoot, Subject, SumDigest,
    TreeHash,
};
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};

pub use self::named::Named;

/// A value as a database column. Rows hold it, and statements bind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Column<T>(pub T);

impl<T: Clone> Column<T> {
    /// Wraps a list of values, to be bound as an array.
    pub fn array<'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<Self>
    where
        T: 'a,
    {
        values.into_iter().cloned().map(Self).collect()
    }

    /// Unwraps the values of a query that selects one column.
    ///
    /// # Errors
    /// The error of the query.
    pub fn values(rows: sqlx::Result<Vec<Self>>) -> sqlx::Result<Vec<T>> {
        Ok(rows?.into_iter().map(|row| row.0).collect())
    }
}

impl<T> Deref for Column<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Display> fmt::Display for Column<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A type whose values a database column can hold.
pub trait Columnar: Sized {
    /// The form in the database: `str` for `TEXT`, `[u8]` for `BYTEA`.
    type Sql: ?Sized + 'static;

    /// The value in the form of the database.
    fn as_sql(&self) -> &Self::Sql;

    /// Reads the form of the database. Returns `None` if it is no value of this type.
    fn from_sql(held: &Self::Sql) -> Option<Self>;
}

/// Stores the values of closed lists in columns of type `TEXT`, by their names.
#[macro_export]
macro_rules! text_column {
    ($($named:ty),* $(,)?) => {$(
        impl $crate::column::Columnar for $named {
            type Sql = str;

            fn as_sql(&self) -> &str {
                $crate::column::Named::name(*self)
            }

            fn from_sql(held: &str) -> Option<Self> {
                <Self as $crate::column::Named>::named(held)
            }
        }
    )*};
}

/// Stores identifiers and digests in columns of type `BYTEA`.
#[macro_export]
macro_rules! bytes_column {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::column::Columnar for $name {
            type Sql = [u8];

            fn as_sql(&self) -> &[u8] {
                self.as_bytes()
            }

            fn from_sql(held: &[u8]) -> Option<Self> {
                <Self as names::Name>::from_slice(held)
            }
        }
    )*};
}

text_column!(RoundState, ContributionState, FailureCode, ProofDemand, CombinerRoundState);
bytes_column!(
    RoundId,
    ContributionId,
    RoundKeyId,
    RoundHash,
    HeaderHash,
    SetRoot,
    BodyDigest,
    ChunkDigest,
    SumDigest,
    LayoutDigest,
    ModelDigest,
    TreeHash,
    SealedDigest,
    PublicKey,
    RoundPublicKey,
    EncodedCommitment
);

impl Columnar for Subject {
    type Sql = str;

    fn as_sql(&self) -> &str {
        self.as_str()
    }

    fn from_sql(held: &str) -> Option<Self> {
        Self::new(held).ok()
    }
}

impl<T: Columnar> Type<Postgres> for Column<T>
where
    for<'a> &'a T::Sql: Type<Postgres>,
{
    fn type_info() -> PgTypeInfo {
        <&T::Sql as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <&T::Sql as Type<Postgres>>::compatible(ty)
    }
}

impl<T: Columnar> PgHasArrayType for Column<T>
where
    for<'a> &'a T::Sql: PgHasArrayType,
{
    fn array_type_info() -> PgTypeInfo {
        <&T::Sql as PgHasArrayType>::array_type_info()
    }

    fn array_compatible(ty: &PgTypeInfo) -> bool {
        <&T::Sql as PgHasArrayType>::array_compatible(ty)
    }
}

impl<T: Columnar> Encode<'_, Postgres> for Column<T>
where
    for<'a> &'a T::Sql: Encode<'a, Postgres>,
{
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.as_sql().encode(buffer)
    }
}

impl<'r, T: Columnar> Decode<'r, Postgres> for Column<T>
where
    &'r T::Sql: Decode<'r, Postgres>,
{
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let held = <&'r T::Sql as Decode<'r, Postgres>>::decode(value)?;
        T::from_sql(held).map(Self).ok_or_else(|| "a column holds a value of another type".into())
    }
}
