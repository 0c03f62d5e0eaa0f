//! Tests of a combiner through its routes, with a real database and a real vault. All tests share
//! one cluster. Each test has its own database and vault. A test whose name starts with p1, p4 or
//! p5 is evidence for that promise of the protocol.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod abandoning;
mod attesting;
mod company;
mod countersigning;
mod deployment;
mod http;
mod receipts;
mod recovering;
mod refused_proofs;
mod releasing;
mod schema;
mod serving;
mod sweeping;
mod times;
