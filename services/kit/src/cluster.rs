//! A private PostgreSQL cluster: its own data directory and processes, reached through a Unix socket alone. For tests
//! and demonstrations.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use thiserror::Error;

/// Why a private cluster cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// PostgreSQL's programs are nowhere to be found.
    #[error(
        "no initdb and pg_ctl in $PG_BIN, $PATH or the usual places; install PostgreSQL \
         (`apt-get install postgresql`, `brew install postgresql`) or set PG_BIN to its bin directory"
    )]
    NotInstalled,
    /// The process runs as root, PostgreSQL refuses to, and there is no other user to run it as.
    #[error("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")]
    NoUser,
    /// One of PostgreSQL's programs failed.
    #[error("{program} failed: {message}")]
    Program {
        /// The program.
        program: &'static str,
        /// What it said.
        message: String,
    },
    /// The file system or the starting of a process fails.
    #[error("cannot prepare the cluster in {}", directory.display())]
    Io {
        /// The cluster's directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Whether what is committed survives a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does.
    Synced,
    /// It does not, and everything is faster: for tests.
    Unsynced,
}

/// A running cluster. It is stopped when this is dropped, and also when the process ends without dropping it.
#[derive(Debug)]
pub struct PrivateCluster {
    socket_dir: PathBuf,
    watcher: Child,
    lifeline: Option<ChildStdin>,
    short_socket_dir: Option<TempDir>,
}

/// Longer paths do not fit a socket's address on every system.
const MAX_SOCKET_DIR_BYTES: usize = 80;

impl PrivateCluster {
    /// Starts the cluster in `dir`, which is made, and initialised, if need be. Blocks for about a second.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn start(dir: &Path) -> Result<Self, ClusterError> {
        Self::start_with(dir, Durability::Synced)
    }

    /// Starts an empty cluster in a temporary directory that is removed when the cluster stops. For tests.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn temporary() -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Io { directory: env::temp_dir(), source };
        let dir = tempfile::Builder::new().prefix("pg").tempdir().map_err(failed)?;
        let cluster = Self::launch(&find_programs()?, dir.path(), Durability::Unsynced, true)?;
        let _removed_by_the_watcher = dir.keep();
        Ok(cluster)
    }

    /// As [`start`](Self::start), with a choice of durability.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn start_with(dir: &Path, durability: Durability) -> Result<Self, ClusterError> {
        Self::launch(&find_programs()?, dir, durability, false)
    }

    /// As [`start_with`](Self::start_with), with the PostgreSQL whose programs are in `bin`.
    ///
    /// # Errors
    /// See [`ClusterError`].
    pub fn start_from(bin: &Path, dir: &Path, durability: Durability) -> Result<Self, ClusterError> {
        Self::launch(bin, dir, durability, false)
    }

    fn launch(bin: &Path, dir: &Path, durability: Durability, temporary: bool) -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Io { directory: dir.into(), source };
        let programs = Programs { bin: bin.to_owned(), user: unprivileged_user()? };
        fs::create_dir_all(dir).map_err(failed)?;
        let dir = &dir.canonicalize().map_err(failed)?;
        let (socket_dir, short) = socket_directory(dir).map_err(failed)?;
        let data = dir.join("data");
        programs.give(&[dir, &socket_dir]).map_err(failed)?;
        if !data.join("PG_VERSION").exists() {
            programs.initialise(&data).map_err(failed)??;
        }
        programs.start(&data, &socket_dir, &dir.join("log"), durability).map_err(failed)??;
        let (watcher, lifeline) = programs.watch(&data, temporary.then_some(dir)).map_err(failed)?;
        Ok(Self { socket_dir, watcher, lifeline: Some(lifeline), short_socket_dir: short })
    }

    /// Lets the cluster run on when this process ends; `pg_ctl stop` ends it then.
    ///
    /// # Errors
    /// When the process that would stop the cluster cannot be ended.
    pub fn leave_running(mut self) -> io::Result<()> {
        self.watcher.kill()?;
        if let Some(folder) = self.short_socket_dir.take() {
            let _kept = folder.keep();
        }
        Ok(())
    }

    /// The URL of the administrator and its database.
    pub fn admin_url(&self) -> String {
        self.url("postgres")
    }

    /// The URL of the administrator and this database.
    pub fn url(&self, database: &str) -> String {
        self.url_as(database, "postgres")
    }

    /// The URL of this role and this database. The socket's directory is closed to other users, so none has a password.
    pub fn url_as(&self, database: &str, role: &str) -> String {
        let host = percent_encode(&self.socket_dir.to_string_lossy());
        format!("postgres:///{}?host={host}&user={}", percent_encode(database), percent_encode(role))
    }

    /// Makes an empty database and returns its URL.
    ///
    /// # Errors
    /// The database's.
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
        drop(self.lifeline.take());
        if let Err(error) = self.watcher.wait() {
            tracing::warn!(%error, "the private cluster may still be running");
        }
    }
}

/// PostgreSQL's programs, and the user to run them as.
struct Programs {
    bin: PathBuf,
    user: Option<(u32, u32)>,
}

impl Programs {
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((uid, gid)) = self.user {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// Makes the user the owner of these directories.
    fn give(&self, directories: &[&Path]) -> io::Result<()> {
        let Some((uid, gid)) = self.user else { return Ok(()) };
        directories.iter().try_for_each(|directory| chown(directory, Some(uid), Some(gid)))
    }

    fn initialise(&self, data: &Path) -> io::Result<Result<(), ClusterError>> {
        let mut command = self.command(self.bin.join("initdb"));
        command.arg("-D").arg(data).args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N"]);
        Ok(succeeded("initdb", &command.output()?))
    }

    fn start(
        &self,
        data: &Path,
        socket_dir: &Path,
        log: &Path,
        durability: Durability,
    ) -> io::Result<Result<(), ClusterError>> {
        let mut settings = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c unix_socket_permissions=0700 \
             -c max_connections=200",
            socket_dir.display()
        );
        if durability == Durability::Unsynced {
            settings += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off";
        }
        let mut command = self.command(self.bin.join("pg_ctl"));
        command
            .arg("-D")
            .arg(data)
            .arg("-l")
            .arg(log)
            .args(["-w", "-t", "60", "-s", "-o", &settings, "start"]);
        // The server inherits the streams and keeps them open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if command.status()?.success() {
            return Ok(Ok(()));
        }
        let message = fs::read_to_string(log).unwrap_or_default();
        let message = message.lines().rev().take(5).collect::<Vec<_>>().join(" | ");
        Ok(Err(ClusterError::Program { program: "pg_ctl start", message }))
    }

    /// A process that outlives this one, however it ends: when its input closes, it stops the server and removes
    /// what is to be removed.
    fn watch(&self, data: &Path, remove: Option<&Path>) -> io::Result<(Child, ChildStdin)> {
        let script = r#"cat >/dev/null
            "$1" -D "$2" -w -s -m fast stop || "$1" -D "$2" -w -s -m immediate stop
            [ -z "$3" ] || rm -rf "$3""#;
        let mut command = self.command("/bin/sh");
        command.arg("-c").arg(script).arg("watcher").arg(self.bin.join("pg_ctl")).arg(data);
        command.arg(remove.unwrap_or(Path::new("")));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn()?;
        let stdin = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((child, stdin))
    }
}

fn succeeded(program: &'static str, output: &Output) -> Result<(), ClusterError> {
    if output.status.success() {
        return Ok(());
    }
    Err(ClusterError::Program { program, message: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

/// The directory of the first `initdb` that has a `pg_ctl` beside it.
fn find_programs() -> Result<PathBuf, ClusterError> {
    let named = env::var_os("PG_BIN").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let installed =
        ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"].into_iter().flat_map(versions);
    let candidates = named.into_iter().chain(env::split_paths(&path)).chain(installed);
    // Links are followed, since the programs look for each other beside themselves.
    let mut real =
        candidates.filter_map(|bin| bin.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned));
    real.find(|bin| bin.join("pg_ctl").exists()).ok_or(ClusterError::NotInstalled)
}

/// The `bin` directories below this one, the latest version first.
fn versions(parent: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found
}

/// The user and group to run as if this process is root's, since PostgreSQL refuses to run as root.
fn unprivileged_user() -> Result<Option<(u32, u32)>, ClusterError> {
    let own = tempfile::tempfile().and_then(|file| file.metadata()).map(|metadata| metadata.uid());
    let own = own.map_err(|source| ClusterError::Io { directory: env::temp_dir(), source })?;
    if own != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    find("postgres").or_else(|| find("nobody")).map(Some).ok_or(ClusterError::NoUser)
}

/// A directory for the socket: below `dir` unless its path is too long for a socket's address.
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
