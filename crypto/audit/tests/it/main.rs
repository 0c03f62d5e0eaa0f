//! A small published round, and every change that the auditor must find in it.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod publication;
mod verdicts;
