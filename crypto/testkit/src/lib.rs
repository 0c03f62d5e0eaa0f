//! What tests share: seeded generators, and the checks that every backend must pass.

#![forbid(unsafe_code)]

pub mod conformance;
pub mod seeded;
