//! A service process that can be made to die after a given number of writes.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use local::{Service, ServiceFolder};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The environment variable that makes the test program serve. Its value is `aggregator` or
/// `combiner`.
pub const ROLE: &str = "E2E_ROLE";
const CONFIG: &str = "E2E_CONFIG";
/// The environment variable with the number of writes after which the process dies.
const CRASH_AFTER: &str = "E2E_CRASH_AFTER";

/// The targets of the events that report a finished statement, a finished operation of the object
/// store, or a finished operation of the vault.
const STORE_TARGETS: [&str; 3] = ["sqlx::query", "aggregator::blobs", "kit::vault"];

/// Serves until the process is killed, if it was started to serve. Otherwise does nothing. A test
/// named `server_process` calls it.
pub fn serve_if_asked() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let config = PathBuf::from(std::env::var_os(CONFIG).expect("a server is started with its configuration"));
    let counter = StoreCounter {
        crash_after: std::env::var(CRASH_AFTER).ok().and_then(|n| n.parse().ok()),
        count: AtomicU64::new(0),
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

/// Counts the events of writes, and kills the process at the given number. The process unwinds and
/// flushes nothing.
struct StoreCounter {
    crash_after: Option<u64>,
    count: AtomicU64,
}

impl<S: tracing::Subscriber> Layer<S> for StoreCounter {
    fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if self.crash_after.is_some_and(|limit| count >= limit) {
            std::process::abort();
        }
    }
}

/// Returns the command that runs a service in a copy of this program. With `crash_after`, the
/// process dies after that many writes. It may die before it listens.
pub(crate) fn command(service: Service, folder: &ServiceFolder, crash_after: Option<u64>) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the test program's path"));
    let deployment = folder.path().parent().expect("a folder of the deployment");
    let libraries = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    command
        .args(["--exact", "server_process", "--nocapture"])
        .env(ROLE, service.name())
        .env(CONFIG, folder.config_file())
        .env("LD_LIBRARY_PATH", format!("{}:{libraries}", deployment.display()))
        // An object store may need these credentials.
        .env("AWS_ACCESS_KEY_ID", "key-of-the-tests")
        .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-tests");
    if let Some(n) = crash_after {
        command.env(CRASH_AFTER, n.to_string());
    }
    command
}
