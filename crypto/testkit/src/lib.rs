//! The parts that tests share: seeded generators, wrong bits, and the checks that every backend
//! must pass.

#![forbid(unsafe_code)]

pub mod conformance;
mod flip;
pub mod seeded;

use std::io::Write;

pub use flip::flip;

/// Reports a skipped test on standard error. It does not use the print macros, because the test
/// harness captures their output.
pub fn skipped(reason: impl std::fmt::Display) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // A closed stream is no reason to fail.
    let _said = writeln!(std::io::stderr(), "skipped {test}: {reason}");
}
