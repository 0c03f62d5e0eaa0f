//! Whole-system evidence: both services as processes of their own, a database each, clients over
//! HTTP.
//!
//! A service process is the test program itself, started again with [`server::ROLE`] set; every
//! test file therefore has a test that calls [`server::serve_if_asked`]. It runs the services' own
//! library entries with their own configuration files, so nothing in the product exists for tests.

#![forbid(unsafe_code)]

pub mod deployment;
pub mod federation;
pub mod server;

pub use deployment::Deployment;
pub use federation::Federation;
