//! A service that runs as a process of its own.

use std::{
    fs::{self, OpenOptions},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{
    error::{LocalError, Result},
    folder::ServiceFolder,
    lifeline::Lifeline,
    service::Service,
};

/// The time that a service may take to start.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// The time that a service may take to end when it is asked to.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(10);

/// A running service. It is killed when this value is dropped, and also when this process ends
/// without dropping it.
#[derive(Debug)]
pub struct Process {
    service: Service,
    folder: ServiceFolder,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kills the child when this process ends. `None` once the child has ended, since another
    /// process may then get its number.
    lifeline: Option<Lifeline>,
}

impl Process {
    /// Starts the process of a service. The service writes its log and its address to its folder.
    ///
    /// # Errors
    /// [`LocalError::Program`] or [`LocalError::File`].
    pub fn spawn(service: Service, folder: ServiceFolder, command: Command) -> Result<Self> {
        let running = Mutex::new(spawn(service, &folder, command)?);
        Ok(Self { service, folder, running })
    }

    /// Waits until the service accepts requests, and returns its address.
    ///
    /// # Errors
    /// [`LocalError::Program`] with the end of the log, if the process has ended or takes too long.
    pub async fn listening(&self) -> Result<SocketAddr> {
        let start = Instant::now();
        loop {
            // Look in this order, since a process may write its address and end between two looks.
            let ended = self.ended().is_some();
            let address = fs::read_to_string(self.folder.address_file()).unwrap_or_default();
            if let Ok(address) = address.trim().parse() {
                return Ok(address);
            }
            if ended || start.elapsed() > START_PATIENCE {
                let said = self.folder.log_tail(1);
                let message = if said.is_empty() { "it said nothing".to_owned() } else { said };
                return Err(LocalError::Program { program: self.service.name(), message });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The service's folder.
    pub fn folder(&self) -> &ServiceFolder {
        &self.folder
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.running().child.id()
    }

    /// The exit status, if the process has ended.
    pub fn ended(&self) -> Option<ExitStatus> {
        let mut running = self.running();
        let status = running.child.try_wait().expect("a child can be asked");
        if status.is_some() {
            running.let_go();
        }
        status
    }

    /// Kills the process with `SIGKILL`.
    pub fn kill(&self) {
        let mut running = self.running();
        running.let_go();
        // An error means that the process has ended.
        running.child.kill().ok();
        running.child.wait().expect("a killed process ends");
    }

    /// Kills the process if it still runs, and starts another one in its place.
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn).
    pub fn replace(&self, command: Command) -> Result<()> {
        self.kill();
        *self.running() = spawn(self.service, &self.folder, command)?;
        Ok(())
    }

    /// Asks the process to end by `SIGTERM`, and waits for its end. Kills it if it takes too long.
    pub async fn stop(&self) {
        let start = Instant::now();
        let asked = self.ended().is_none() && self.terminate();
        while asked && self.ended().is_none() && start.elapsed() < STOP_PATIENCE {
            tokio::time::sleep(POLL).await;
        }
        self.kill();
    }

    fn terminate(&self) -> bool {
        let id = self.id().to_string();
        let sent = Command::new("/bin/sh").args(["-c", "kill -TERM \"$0\"", &id]).status();
        sent.is_ok_and(|status| status.success())
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().expect("nobody panics while holding a process")
    }
}

impl Running {
    fn let_go(&mut self) {
        if let Some(mut lifeline) = self.lifeline.take() {
            // An error means that the shell has ended already.
            lifeline.release().ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(service: Service, folder: &ServiceFolder, mut command: Command) -> Result<Running> {
    // An earlier process may have left its address.
    fs::remove_file(folder.address_file()).ok();
    let path = folder.log_file();
    let log = OpenOptions::new().append(true).create(true).open(&path).map_err(LocalError::file(&path))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().map_err(LocalError::program(service.name()))?;
    let kill = Lifeline::tie(Command::new("/bin/sh"), "kill -KILL \"$1\"", [child.id().to_string()]);
    match kill {
        Ok(lifeline) => Ok(Running { child, lifeline: Some(lifeline) }),
        Err(error) => {
            child.kill().ok();
            child.wait().ok();
            Err(LocalError::program("/bin/sh")(error))
        }
    }
}
