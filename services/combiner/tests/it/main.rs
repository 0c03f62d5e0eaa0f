//! A combiner over a real database and a real vault, asked through its routes. One cluster for the
//! process, a database and a vault for each test. Tests whose names start with p1, p4 or p5 are
//! evidence for that promise of the protocol.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod abandoning;
mod attesting;
mod countersigning;
mod deployment;
mod http;
mod recovering;
mod releasing;
mod schema;
mod serving;
mod sweeping;
