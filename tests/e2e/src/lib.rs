//! Tests of the whole system. Both services are processes of their own, each with a database.
//! Clients use HTTP.
//!
//! A service process is the test program itself, started again with [`server::ROLE`] set. Each test
//! file therefore has a test that calls [`server::serve_if_asked`]. The process calls the services'
//! library entries with their usual configuration files, so nothing in the product exists only for
//! tests.

#![forbid(unsafe_code)]

pub mod deployment;
pub mod federation;
pub mod server;

pub use deployment::Deployment;
pub use federation::Federation;
