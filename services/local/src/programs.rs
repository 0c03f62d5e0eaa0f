//! PostgreSQL's programs: where they are, which user runs them, and how they are called.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use thiserror::Error;

/// The reason why a private cluster cannot run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// PostgreSQL's programs cannot be found.
    #[error(
        "no initdb and pg_ctl in $PG_BIN, $PATH or the usual places; install PostgreSQL \
         (`apt-get install postgresql`, `brew install postgresql`) or set PG_BIN to its bin directory"
    )]
    NotInstalled,
    /// The process runs as root, and there is no other user. PostgreSQL refuses to run as root.
    #[error("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")]
    NoUser,
    /// A PostgreSQL program failed.
    #[error("{program} failed: {message}")]
    Program {
        /// The name of the program.
        program: &'static str,
        /// The message of the program.
        message: String,
    },
    /// A file cannot be used, or a process cannot be started.
    #[error("cannot prepare the cluster in {}", directory.display())]
    Io {
        /// The directory of the cluster.
        directory: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
}

/// Whether committed data survives a crash of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Committed data survives.
    Synced,
    /// Committed data may be lost. In exchange everything is faster.
    Unsynced,
}

/// PostgreSQL's programs, and the user that runs them.
pub(crate) struct Programs {
    bin: PathBuf,
    user: Option<(u32, u32)>,
}

impl Programs {
    /// Finds the programs in the folder `bin`, or the installed programs if `bin` is `None`.
    pub(crate) fn find(bin: Option<&Path>) -> Result<Self, ClusterError> {
        let bin = bin.map_or_else(installed, |bin| Ok(bin.to_owned()))?;
        Ok(Self { bin, user: unprivileged_user()? })
    }

    /// The path of one program.
    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.bin.join(program)
    }

    /// A command that runs as the user that runs PostgreSQL.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((uid, gid)) = self.user {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// Gives these directories to the user that runs PostgreSQL.
    pub(crate) fn give(&self, directories: &[&Path]) -> io::Result<()> {
        let Some((uid, gid)) = self.user else { return Ok(()) };
        directories.iter().try_for_each(|directory| chown(directory, Some(uid), Some(gid)))
    }

    /// Initialises a data directory.
    pub(crate) fn initialise(&self, data: &Path) -> io::Result<Result<(), ClusterError>> {
        let mut command = self.command(self.path("initdb"));
        command.arg("-D").arg(data).args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-N"]);
        Ok(succeeded("initdb", &command.output()?))
    }

    /// Starts the server and waits until it accepts connections.
    pub(crate) fn start(
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
        let mut command = self.command(self.path("pg_ctl"));
        command
            .arg("-D")
            .arg(data)
            .arg("-l")
            .arg(log)
            .args(["-w", "-t", "60", "-s", "-o", &settings, "start"]);
        // The server inherits the streams and keeps them open. A reader of a pipe would wait for
        // ever.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if command.status()?.success() {
            return Ok(Ok(()));
        }
        let message = fs::read_to_string(log).unwrap_or_default();
        let message = message.lines().rev().take(5).collect::<Vec<_>>().join(" | ");
        Ok(Err(ClusterError::Program { program: "pg_ctl start", message }))
    }
}

fn succeeded(program: &'static str, output: &Output) -> Result<(), ClusterError> {
    if output.status.success() {
        return Ok(());
    }
    Err(ClusterError::Program { program, message: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

/// Finds the directory of the first `initdb` that has a `pg_ctl` beside it.
fn installed() -> Result<PathBuf, ClusterError> {
    let named = env::var_os("PG_BIN").map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"].into_iter().flat_map(versions);
    let candidates = named.into_iter().chain(env::split_paths(&path)).chain(usual);
    // Follow links, since the programs look for each other in their own folder.
    let mut real =
        candidates.filter_map(|bin| bin.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned));
    real.find(|bin| bin.join("pg_ctl").exists()).ok_or(ClusterError::NotInstalled)
}

/// Lists the `bin` directories below this one. The latest version comes first.
fn versions(parent: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found
}

/// The user and the group that run PostgreSQL. Needed only if this process runs as root, which
/// PostgreSQL refuses.
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
