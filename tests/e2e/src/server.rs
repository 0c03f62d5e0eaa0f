//! A service as a process, which can be killed at the n-th thing it stores.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Environment variable that makes the test program serve: `aggregator` or `combiner`.
pub const ROLE: &str = "E2E_ROLE";
const CONFIG: &str = "E2E_CONFIG";
/// After how many stored things the process dies; the count so far is left in `COUNT_FILE`.
const CRASH_AFTER: &str = "E2E_CRASH_AFTER";
const COUNT_FILE: &str = "E2E_COUNT_FILE";

/// What the services report when a statement, an operation of the object store or of the key vault is done.
const STORE_TARGETS: [&str; 3] = ["sqlx::query", "aggregator::blobs", "kit::vault"];

/// Serves until killed, if this process was started to; else does nothing. To be called by a test named
/// `server_process`.
pub fn serve_if_asked() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let config = PathBuf::from(std::env::var_os(CONFIG).expect("a server is started with its configuration"));
    let counter = StoreCounter {
        crash_after: std::env::var(CRASH_AFTER).ok().and_then(|n| n.parse().ok()),
        count: AtomicU64::new(0),
        file: std::env::var_os(COUNT_FILE).map(PathBuf::from),
    };
    let log = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(
            counter.with_filter(Targets::from_iter(STORE_TARGETS.map(|target| (target, LevelFilter::TRACE)))),
        )
        .with(log.with_filter(tracing_subscriber::EnvFilter::new("info,sqlx=warn")))
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async move {
        let shutdown = kit::shutdown::on_signal().expect("signal handlers");
        let ended = match role.as_str() {
            "aggregator" => {
                let config =
                    kit::config::load(Some(&config), "E2E_AGGREGATOR").expect("a valid configuration");
                aggregator::run(config, shutdown).await
            }
            _ => {
                let config = kit::config::load(Some(&config), "E2E_COMBINER").expect("a valid configuration");
                combiner::run(config, shutdown).await
            }
        };
        ended.expect("the service ends without a fault");
    });
    std::process::exit(0);
}

/// Counts the events it is given, those of what is stored, and kills the process at the given number, without unwinding
/// or flushing anything.
struct StoreCounter {
    crash_after: Option<u64>,
    count: AtomicU64,
    file: Option<PathBuf>,
}

impl<S: tracing::Subscriber> Layer<S> for StoreCounter {
    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(file) = &self.file {
            std::fs::write(file, count.to_string()).expect("the count is written");
        }
        if self.crash_after.is_some_and(|limit| count >= limit) {
            std::process::abort();
        }
    }
}

/// A running service.
pub struct Server {
    child: Mutex<Child>,
    address: SocketAddr,
    count_file: PathBuf,
}

impl Server {
    /// Starts `role` with the configuration `dir/role.toml`, by which it listens at `address`, and waits until it does.
    /// With `crash_after`, it dies once it has stored that many things, which may be before it listens.
    pub fn start(role: &str, dir: &Path, address: SocketAddr, crash_after: Option<u64>) -> Self {
        let count_file = dir.join(format!("{role}.count"));
        let child = Mutex::new(launch(role, dir, &count_file, crash_after));
        Self { child, address, count_file }
    }

    /// Where it listens, or did.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts it again, killed first if it still lives.
    pub fn restart(&self, role: &str, dir: &Path) {
        self.kill();
        *self.child() = launch(role, dir, &self.count_file, None);
    }

    /// Whether it has died, and how.
    pub fn died(&self) -> Option<ExitStatus> {
        self.child().try_wait().expect("the process can be asked")
    }

    /// How many things it has stored.
    pub fn stored(&self) -> u64 {
        std::fs::read_to_string(&self.count_file).ok().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// Its identifier, for reading its memory from `/proc`.
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Kills it with SIGKILL.
    pub fn kill(&self) {
        let mut child = self.child();
        // it may be dead already
        child.kill().ok();
        child.wait().expect("a killed process ends");
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().expect("nobody panics while holding a process")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the process and waits until it listens or is dead.
fn launch(role: &str, dir: &Path, count_file: &Path, crash_after: Option<u64>) -> Child {
    let port_file = dir.join(format!("{role}.port"));
    for file in [port_file.as_path(), count_file] {
        // left by an earlier process, if at all
        std::fs::remove_file(file).ok();
    }
    let log = std::fs::OpenOptions::new().append(true).create(true).open(dir.join(format!("{role}.log")));
    let mut command = Command::new(std::env::current_exe().expect("the test program's path"));
    let libraries = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    command
        .args(["--exact", "server_process", "--nocapture"])
        .env(ROLE, role)
        .env(CONFIG, dir.join(format!("{role}.toml")))
        .env(COUNT_FILE, count_file)
        .env("LD_LIBRARY_PATH", format!("{}:{libraries}", dir.display()))
        // for the object store, if it is one that asks
        .env("AWS_ACCESS_KEY_ID", "key-of-the-tests")
        .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.expect("a log file"));
    if let Some(n) = crash_after {
        command.env(CRASH_AFTER, n.to_string());
    }
    let mut child = command.spawn().expect("the service starts");
    wait_until_listening(&port_file, &mut child);
    child
}

/// Waits until the port file is there or the process is dead.
fn wait_until_listening(port_file: &Path, child: &mut Child) {
    let start = Instant::now();
    while !port_file.exists() && child.try_wait().expect("the process can be asked").is_none() {
        assert!(start.elapsed() < Duration::from_secs(60), "the service does not listen after a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}
