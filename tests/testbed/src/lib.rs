//! The parties of a round for tests: documents with sensible defaults, participants, and a combiner
//! that misbehaves on request.
//!
//! Databases, folders and processes are in the crate `local`. Tests of the protocol do not need
//! them, and so need not wait for their compilation.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

pub mod combiner;
mod create_round;
mod envelope;
mod participant;
mod parties;
mod round;

pub use combiner::{Fault, ScriptedCombiner};
pub use create_round::create_round;
pub use envelope::Envelope;
pub use participant::{Message, Participant};
pub use parties::Parties;
pub use round::RoundBuilder;

/// The epoch of credentials, unless a test needs another one.
pub const EPOCH: u32 = 7;
