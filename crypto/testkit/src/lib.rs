//! What tests share: seeded generators, and the checks that every backend must pass.

#![forbid(unsafe_code)]

pub mod conformance;
pub mod seeded;

use std::io::Write;

/// Says that a test does not check what it is for, where the harness does not swallow it: beside
/// the results.
pub fn skipped(reason: impl std::fmt::Display) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // A closed stream is no reason to fail.
    let _said = writeln!(std::io::stderr(), "skipped {test}: {reason}");
}
