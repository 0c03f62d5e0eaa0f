//! Reasons why an installation cannot run on this machine.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::cluster::ClusterError;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, LocalError>;

/// The reason why an installation cannot run on this machine.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The private cluster cannot be started.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A database cannot be created or migrated.
    #[error(transparent)]
    Database(#[from] kit::Error),
    /// A file or folder cannot be used.
    #[error("cannot use {}", path.display())]
    File {
        /// The path of the file or folder.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// The folder must be new, but holds an installation already.
    #[error("{} is there already; give --dir an empty folder", path.display())]
    Occupied {
        /// The path of the folder.
        path: PathBuf,
    },
    /// A program cannot be started, has failed, or has ended too early.
    #[error("{program} failed: {message}")]
    Program {
        /// The name of the program.
        program: &'static str,
        /// The last message of the program.
        message: String,
    },
}

impl LocalError {
    /// Adds the path that an error is about.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// Adds the program that could not be run.
    pub(crate) fn program(program: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Program { program, message: error.to_string() }
    }
}
