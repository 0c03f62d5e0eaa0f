//! An upload as a chain of states. Each step consumes the state before it, so the compiler checks
//! their order.
//!
//! [`Arriving`] → [`Announced`](arriving::Announced): its prefix is read and checked →
//! [`Admitted`](admission::Admitted): the round takes it, and it holds a slot →
//! [`Stored`](storing::Stored): its body is durable, and its digests are known →
//! [`Recorded`](recording::Recorded): its row is there, with the receipt.
//!
//! An upload of bytes that are recorded already leaves the chain as a
//! [`Duplicate`](admission::Duplicate), which ends as `Recorded` too.

pub(crate) mod admission;
pub(crate) mod arriving;
mod digesting;
pub(crate) mod recording;
pub(crate) mod storing;

pub(crate) use admission::Admission;
pub(crate) use arriving::Arriving;
pub(crate) use recording::Recorded;
