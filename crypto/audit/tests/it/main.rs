//! A small round, published, and every way in which it can be another one than it says.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod publication;
mod verdicts;
