//! A private PostgreSQL cluster with its own data directory and processes. It listens only on a
//! Unix socket.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

pub use crate::programs::{ClusterError, Durability};
use crate::{lifeline::Lifeline, programs::Programs};

/// A running cluster. It stops when this value is dropped, and also when the process ends without
/// dropping it.
#[derive(Debug)]
pub struct PrivateCluster {
    socket_dir: PathBuf,
    lifeline: Lifeline,
    short_socket_dir: Option<TempDir>,
}

/// The most bytes of a directory for the socket. A longer path does not fit into a socket's address
/// on every system.
const MAX_SOCKET_DIR_BYTES: usize = 80;

impl PrivateCluster {
    /// Starts the cluster in `dir`. Creates and initialises `dir` if necessary. Blocks for about a
    /// second.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn start(dir: &Path, durability: Durability) -> Result<Self, ClusterError> {
        Self::launch(&Programs::find(None)?, dir, durability, false)
    }

    /// Starts the cluster as [`start`](Self::start) does, with the PostgreSQL programs in `bin`.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn start_from(bin: &Path, dir: &Path, durability: Durability) -> Result<Self, ClusterError> {
        Self::launch(&Programs::find(Some(bin))?, dir, durability, false)
    }

    /// Starts an empty cluster in a temporary directory. The directory is removed when the cluster
    /// stops.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn temporary() -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Io { directory: env::temp_dir(), source };
        let dir = tempfile::Builder::new().prefix("pg").tempdir().map_err(failed)?;
        let cluster = Self::launch(&Programs::find(None)?, dir.path(), Durability::Unsynced, true)?;
        let _removed_by_the_lifeline = dir.keep();
        Ok(cluster)
    }

    fn launch(
        programs: &Programs,
        dir: &Path,
        durability: Durability,
        temporary: bool,
    ) -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Io { directory: dir.into(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let dir = &dir.canonicalize().map_err(failed)?;
        let (socket_dir, short_socket_dir) = socket_directory(dir).map_err(failed)?;
        let data = dir.join("data");
        programs.give(&[dir, &socket_dir]).map_err(failed)?;
        if !data.join("PG_VERSION").exists() {
            programs.initialise(&data).map_err(failed)??;
        }
        programs.start(&data, &socket_dir, &dir.join("log"), durability).map_err(failed)??;
        let lifeline = stop_at_the_end(programs, &data, temporary.then_some(dir)).map_err(failed)?;
        Ok(Self { socket_dir, lifeline, short_socket_dir })
    }

    /// Lets the cluster run on after this process ends. `pg_ctl stop` stops it.
    ///
    /// # Errors
    /// When the process that would stop the cluster cannot be ended.
    pub fn leave_running(mut self) -> io::Result<()> {
        self.lifeline.release()?;
        if let Some(folder) = self.short_socket_dir.take() {
            let _kept = folder.keep();
        }
        Ok(())
    }

    /// The URL for the administrator's role and database.
    pub fn admin_url(&self) -> String {
        self.url("postgres")
    }

    /// The URL for the administrator's role and this database.
    pub fn url(&self, database: &str) -> String {
        self.url_as(database, "postgres")
    }

    /// The URL for this role and this database. It has no password, since only this user can reach
    /// the directory of the socket.
    pub fn url_as(&self, database: &str, role: &str) -> String {
        let host = percent_encode(&self.socket_dir.to_string_lossy());
        format!("postgres:///{}?host={host}&user={}", percent_encode(database), percent_encode(role))
    }

    /// Creates an empty database and returns its URL.
    ///
    /// # Errors
    /// The error of the database.
    pub async fn create_database(&self, name: &str) -> Result<String, sqlx::Error> {
        let mut admin = PgConnection::connect(&self.admin_url()).await?;
        let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await?;
        admin.close().await?;
        Ok(self.url(name))
    }
}

impl Drop for PrivateCluster {
    fn drop(&mut self) {
        if let Err(error) = self.lifeline.cut() {
            tracing::warn!(%error, "the private cluster may still be running");
        }
    }
}

/// Stops the server when this process ends, and removes the directory `remove` if one is given.
fn stop_at_the_end(programs: &Programs, data: &Path, remove: Option<&Path>) -> io::Result<Lifeline> {
    let script = r#"
        "$1" -D "$2" -w -s -m fast stop || "$1" -D "$2" -w -s -m immediate stop
        [ -z "$3" ] || rm -rf "$3""#;
    let pg_ctl = programs.path("pg_ctl");
    let arguments = [pg_ctl.as_path(), data, remove.unwrap_or(Path::new(""))];
    Lifeline::tie(programs.command("/bin/sh"), script, arguments)
}

/// Makes a directory for the socket. It is below `dir`, unless that path is too long for a socket's
/// address.
fn socket_directory(dir: &Path) -> io::Result<(PathBuf, Option<TempDir>)> {
    let own = dir.join("socket");
    if own.as_os_str().len() <= MAX_SOCKET_DIR_BYTES {
        fs::create_dir_all(&own)?;
        return Ok((own, None));
    }
    let short = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp")?;
    Ok((short.path().to_owned(), Some(short)))
}

fn percent_encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
