//! What both services are built from: configuration, errors as problem details, extractors, the
//! database, the key vault, serving, logs and metrics.
//!
//! Nothing here decides anything about a round or a contribution.

#![forbid(unsafe_code)]

pub mod auth;
pub mod column;
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
pub mod time;
pub mod tx;
pub mod vault;

pub use error::{Error, Result};
