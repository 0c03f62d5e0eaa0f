//! The protocol between its parties, in one process: every honest step, and every dishonest one
//! that a message can carry.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod attestation;
mod claim;
mod closing;
mod company;
mod contribution;
mod document;
mod fixture;
mod hedging;
mod hostile_bytes;
mod influence;
mod norm_proof;
mod unreleased;
