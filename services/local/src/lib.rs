//! A whole installation on this machine. It has a private PostgreSQL cluster, an aggregator and a
//! combiner as processes, and the keys, tokens and credentials of all parties.
//!
//! `blindsum local` and the demo run one. Tests use all of it, or parts. This crate links neither
//! service. Its caller says which program serves and how a database is migrated, so the tests of
//! one service do not wait for the compilation of the other.

#![forbid(unsafe_code)]

pub mod cluster;
pub mod databases;
mod error;
pub mod folder;
pub mod install;
mod lifeline;
pub mod pair;
pub mod parties;
pub mod process;
mod programs;
pub mod scratch;
mod service;
pub mod settings;
pub mod workplace;

pub use cluster::PrivateCluster;
pub use error::{LocalError, Result};
pub use folder::ServiceFolder;
pub use pair::{Pair, Setup};
pub use parties::Parties;
pub use process::Process;
pub use service::Service;
pub use settings::Settings;
pub use workplace::Workplace;
