//! What tests share: seeded generators, wrong bits, and the checks that every backend must pass.

#![forbid(unsafe_code)]

pub mod conformance;
mod flip;
pub mod seeded;

use std::io::Write;

pub use flip::flip;

/// Says that a test is skipped. It writes beside the results, where the harness does not swallow it.
pub fn skipped(reason: impl std::fmt::Display) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // A closed stream is no reason to fail.
    let _said = writeln!(std::io::stderr(), "skipped {test}: {reason}");
}
