//! Points in time. They are milliseconds in Rust and in JSON, and `TIMESTAMPTZ` in SQL.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::SystemTime,
};

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef},
    types::time::OffsetDateTime,
};

/// A point in time, as milliseconds since 1970-01-01T00:00:00Z by the wall clock. Arithmetic
/// saturates at the ends of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The present time, by the operating system's clock.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The point `ms` milliseconds after the start of 1970.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// The milliseconds since the start of 1970.
    pub const fn ms(self) -> i64 {
        self.0
    }

    /// The point `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The point `ms` milliseconds earlier.
    #[must_use]
    pub const fn minus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_sub(ms))
    }

    /// The milliseconds from `earlier` to this point. Negative if `earlier` is later.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The wall clock of a service: that of the operating system, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    /// The time that was set, in milliseconds.
    Standing(Arc<AtomicI64>),
    /// How far it is ahead of the operating system's clock, in milliseconds.
    Shifted(Arc<AtomicI64>),
}

impl Clock {
    /// The operating system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is set.
    pub fn standing(at: Timestamp) -> Self {
        Self(Source::Standing(Arc::new(AtomicI64::new(at.ms()))))
    }

    /// A clock that goes as the operating system's does, until it is set.
    pub fn shifted() -> Self {
        Self(Source::Shifted(Arc::default()))
    }

    /// Sets this clock and all its clones. Does nothing to the operating system's clock.
    pub fn set(&self, now: Timestamp) {
        match &self.0 {
            Source::System => {}
            Source::Standing(ms) => ms.store(now.ms(), Ordering::SeqCst),
            Source::Shifted(ahead_ms) => {
                ahead_ms.store(now.ms_since(Timestamp::now()), Ordering::SeqCst);
            }
        }
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Standing(ms) => Timestamp::from_ms(ms.load(Ordering::SeqCst)),
            Source::Shifted(ahead_ms) => Timestamp::now().plus_ms(ahead_ms.load(Ordering::SeqCst)),
        }
    }
}

impl Type<Postgres> for Timestamp {
    fn type_info() -> PgTypeInfo {
        <OffsetDateTime as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)?;
        <OffsetDateTime as Encode<'_, Postgres>>::encode(time, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Timestamp {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let time = <OffsetDateTime as Decode<'r, Postgres>>::decode(value)?;
        Ok(Self(i64::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let (first, last) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        assert_eq!((last.plus_ms(1), first.minus_ms(1)), (last, first));
        assert_eq!((last.ms_since(first), first.ms_since(last)), (i64::MAX, i64::MIN));
        assert_eq!(Timestamp(7).plus_ms(-2).minus_ms(3), Timestamp(2));
        assert_eq!(Timestamp(2).ms_since(Timestamp(7)), -5);
    }

    #[test]
    fn a_standing_clock_shows_what_it_was_set_to() {
        let clock = Clock::standing(Timestamp(5));
        let copy = clock.clone();
        clock.set(Timestamp(3));
        assert_eq!(copy.now(), Timestamp(3));
        Clock::system().set(Timestamp(3));
        assert!(Clock::system().now() > Timestamp(3));
    }

    #[test]
    fn a_shifted_clock_goes_on_from_what_it_was_set_to() {
        let clock = Clock::shifted();
        let copy = clock.clone();
        clock.set(Timestamp::now().plus_ms(1_000_000));
        let ahead_ms = copy.now().ms_since(Timestamp::now());
        assert!((990_000..=1_000_000).contains(&ahead_ms), "{ahead_ms}");
    }

    #[test]
    fn now_is_after_this_was_written_and_within_the_century() {
        assert!((1_700_000_000_000..4_102_444_800_000).contains(&Timestamp::now().ms()));
    }
}
