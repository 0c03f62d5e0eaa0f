//! Tests of the ledger against published vectors, other implementations and hostile input.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod checkpoint;
mod merkle_proofs;
mod note;
mod openzeppelin;
mod payout;
mod payout_tree;
mod reputation;
mod vectors;
