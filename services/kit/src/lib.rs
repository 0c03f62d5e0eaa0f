//! The common base of both services: configuration, errors as problem documents, extractors, the
//! database, the vault, serving, logs and metrics.
//!
//! Nothing here decides about a round or a contribution.

#![forbid(unsafe_code)]

pub mod auth;
pub mod column;
pub mod compute;
pub mod config;
pub mod error;
pub mod extract;
pub mod health;
pub mod heartbeat;
pub mod incoming;
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
