//! Tests of the service as its callers see it, with a real database, a real object store on disk,
//! and requests over loopback. Only the combiners are replaced, so that they can fail on purpose.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit_guide;
mod calls;
mod closing;
mod database;
mod deployment;
mod ending;
mod faults;
mod lifecycle;
mod log;
mod memory;
mod operator;
mod participant;
mod payouts;
mod played;
mod proofs;
mod record;
mod refusals;
mod retention;
mod roles;
mod starting;
mod sweeping;
mod times;
mod uploads;
mod waiting;
