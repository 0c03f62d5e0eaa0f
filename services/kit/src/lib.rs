//! What every service is built from: configuration, errors as problem details, extractors, the database, the key vault,
//! serving, logs and metrics.
//!
//! Nothing here knows of rounds or contributions, and nothing here does cryptography.

#![forbid(unsafe_code)]

pub mod auth;
pub mod clock;
pub mod cluster;
pub mod compute;
pub mod config;
pub mod error;
pub mod extract;
pub mod health;
pub mod periodic;
pub mod postgres;
pub mod request_id;
pub mod schema;
pub mod serve;
pub mod shutdown;
pub mod telemetry;
pub mod vault;

pub use error::{Error, Result};
