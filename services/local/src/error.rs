//! Why an installation cannot be had on this machine.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::cluster::ClusterError;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, LocalError>;

/// Why an installation cannot be had on this machine.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocalError {
    /// There is no private cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A database cannot be made or migrated.
    #[error(transparent)]
    Database(#[from] kit::Error),
    /// A file or folder cannot be used.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder that has to be new holds an installation already.
    #[error("{} is there already; give --dir an empty folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A program cannot be started, failed, or ended too early.
    #[error("{program} failed: {message}")]
    Program {
        /// Which.
        program: &'static str,
        /// What it said last.
        message: String,
    },
}

impl LocalError {
    /// Says which file an error is about.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Says which program could not be run.
    pub(crate) fn program(program: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Program { program, message: error.to_string() }
    }
}
