//! A service as a process of its own.

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

/// Time that a service may take to start.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// Time that a service may take to end after it was asked to.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks.
const POLL: Duration = Duration::from_millis(10);

/// A running service. It is killed when this is dropped, and when this process ends without
/// dropping it.
#[derive(Debug)]
pub struct Process {
    service: Service,
    folder: ServiceFolder,
    running: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kills the child when this process ends. There is none once the child has ended, since
    /// another process may get its number.
    lifeline: Option<Lifeline>,
}

impl Process {
    /// Starts the process of a service. Its log and its address go to the service's folder.
    ///
    /// # Errors
    /// [`LocalError::Program`], [`LocalError::File`].
    pub fn spawn(service: Service, folder: ServiceFolder, command: Command) -> Result<Self> {
        let running = Mutex::new(spawn(service, &folder, command)?);
        Ok(Self { service, folder, running })
    }

    /// Waits until the service accepts requests, and says where.
    ///
    /// # Errors
    /// [`LocalError::Program`] with the end of the log if the process has ended or takes too long.
    pub async fn listening(&self) -> Result<SocketAddr> {
        let start = Instant::now();
        loop {
            // Look in this order: a process may write its address and end between two looks.
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

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.running().child.id()
    }

    /// Whether the process has ended, and how.
    pub fn ended(&self) -> Option<ExitStatus> {
        let mut running = self.running();
        let status = running.child.try_wait().expect("a child can be asked");
        if status.is_some() {
            running.let_go();
        }
        status
    }

    /// Kills the process without a warning.
    pub fn kill(&self) {
        let mut running = self.running();
        running.let_go();
        // An error means that it has ended.
        running.child.kill().ok();
        running.child.wait().expect("a killed process ends");
    }

    /// Kills the process if it lives, and starts another in its stead.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn replace(&self, command: Command) -> Result<()> {
        self.kill();
        *self.running() = spawn(self.service, &self.folder, command)?;
        Ok(())
    }

    /// Asks the process to end, as `SIGTERM` does, and waits for it. Kills it if it takes too long.
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
            // An error means that the shell is gone already.
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
