//! Typed values in columns.

mod named;

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};

pub use self::named::Named;

/// A value as a column. Rows hold it, and statements bind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Column<T>(pub T);

impl<T: Clone> Column<T> {
    /// A list of values as an array.
    pub fn array<'a>(values: impl IntoIterator<Item = &'a T>) -> Vec<Self>
    where
        T: 'a,
    {
        values.into_iter().cloned().map(Self).collect()
    }
}

/// A type whose values a column can hold.
pub trait Columnar: Sized {
    /// What the database holds: `str` in `TEXT`, `[u8]` in `BYTEA`.
    type Sql: ?Sized + 'static;

    /// The value as the database holds it.
    fn as_sql(&self) -> &Self::Sql;

    /// The value that the database holds. `None` if it is not of this type.
    fn from_sql(held: &Self::Sql) -> Option<Self>;
}

/// Values from closed lists are `TEXT`.
impl<T: Named> Columnar for T {
    type Sql = str;

    fn as_sql(&self) -> &str {
        self.name()
    }

    fn from_sql(held: &str) -> Option<Self> {
        Self::named(held)
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
