//! The aggregator of one test, with its own database, folder and combiners. The service listens on
//! a free port.

use std::{path::PathBuf, process::Command, time::Duration};

use aggregator::{Aggregator, Config, config::RecordConfig};
use kit::{shutdown::CancellationToken, time::Clock};
use local::{Process, Service, ServiceFolder, databases::Migrate, scratch::ScratchDatabase};
use protocol::{IdentityKey, Pins};
use rand::rngs::OsRng;
use sqlx::PgPool;
use tempfile::TempDir;
pub(crate) use testbed::EPOCH;
use testbed::ScriptedCombiner;

pub(crate) use crate::{
    calls::{Answer, OpenRound},
    waiting::eventually,
};

pub(crate) const ADMIN_TOKEN: &str = "the operator's token";
const SERVICE_TOKEN: &str = "the services' token";
const MIGRATE: Migrate = |pool| Box::pin(async move { aggregator::migrate(&pool).await });

/// The settings that tests change.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) combiners: u8,
    pub(crate) concurrent_uploads: usize,
    pub(crate) waiting_uploads: usize,
    pub(crate) upload_wait_ms: u64,
    pub(crate) upload_idle_timeout_ms: u64,
    pub(crate) settle_ms: u64,
    pub(crate) attempts: u32,
    pub(crate) workers: usize,
    pub(crate) record: RecordConfig,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            combiners: 1,
            concurrent_uploads: 16,
            waiting_uploads: 64,
            upload_wait_ms: 5_000,
            upload_idle_timeout_ms: 5_000,
            settle_ms: 10_000,
            attempts: 3,
            workers: 2,
            record: RecordConfig {
                origin: Some("aggregator.test/log".into()),
                sequence_ms: 100,
                checkpoint_ms: 400,
                inclusion_delay_ms: 60_000,
                audit_window_ms: None,
            },
        }
    }
}

/// An aggregator with everything that it needs.
pub(crate) struct Deployment {
    pub(crate) registrar: IdentityKey,
    pub(crate) pins: Pins,
    pub(crate) combiners: Vec<ScriptedCombiner>,
    /// Connects as the administrator.
    pub(crate) db: PgPool,
    pub(crate) settings: Settings,
    pub(crate) folder: ServiceFolder,
    pub(crate) http: reqwest::Client,
    /// The wall clock of the aggregators in this process.
    pub(crate) clock: Clock,
    services: Vec<Running>,
    // This field is dropped last.
    database: ScratchDatabase,
    directory: TempDir,
}

/// A running aggregator.
struct Running {
    url: String,
    kind: Kind,
}

enum Kind {
    Task(Aggregator, CancellationToken, tokio::task::JoinHandle<kit::Result<()>>),
    Process(Process),
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let database = ScratchDatabase::create(Service::Aggregator, MIGRATE).await.unwrap();
        let db = PgPool::connect(&database.admin_url()).await.unwrap();
        let (identity, registrar) = (IdentityKey::generate(&mut OsRng), IdentityKey::generate(&mut OsRng));
        let mut combiners = Vec::new();
        for _ in 0..settings.combiners {
            let combiner = ScriptedCombiner::start(identity.public(), registrar.public(), SERVICE_TOKEN);
            combiners.push(combiner.await);
        }
        let pins = Pins {
            aggregator: identity.public(),
            combiners: combiners.iter().map(|combiner| combiner.key).collect(),
            registrar: registrar.public(),
        };
        let directory = tempfile::tempdir().unwrap();
        let folder =
            ServiceFolder::create(directory.path(), Service::Aggregator, &identity, SERVICE_TOKEN).unwrap();
        folder.write_admin_token(ADMIN_TOKEN).unwrap();
        let mut deployment = Self {
            registrar,
            pins,
            combiners,
            db,
            settings,
            folder,
            http: reqwest::Client::new(),
            clock: Clock::shifted(),
            services: Vec::new(),
            database,
            directory,
        };
        deployment.start_service().await;
        deployment
    }

    /// Starts one more aggregator in this process, on the same database and folder.
    pub(crate) async fn start_service(&mut self) {
        let port_file = self.directory.path().join(format!("address-{}", uuid::Uuid::new_v4()));
        let stop = CancellationToken::new();
        let config = self.config(port_file.clone());
        let aggregator = Aggregator::start(&config, self.clock.clone()).await.unwrap();
        let (serving, until) = (aggregator.clone(), stop.clone());
        let task = tokio::spawn(async move { serving.serve(&config.listen, until).await });
        let address =
            eventually("the service to listen", async || std::fs::read_to_string(&port_file).ok()).await;
        self.services
            .push(Running { url: format!("http://{address}"), kind: Kind::Task(aggregator, stop, task) });
    }

    /// Lets every aggregator in this process observe a minute, once after the other, so many times.
    pub(crate) async fn observe_minutes(&self, minutes: u32) {
        for _ in 0..minutes {
            for service in &self.services {
                if let Kind::Task(aggregator, ..) = &service.kind {
                    aggregator.beat(Duration::from_secs(60)).await.unwrap();
                }
            }
        }
    }

    /// Starts one more aggregator, which must fail, and returns the reason.
    pub(crate) async fn start_error(&self) -> String {
        let running =
            aggregator::run(self.config(self.directory.path().join("none")), CancellationToken::new());
        let ended = tokio::time::timeout(Duration::from_secs(20), running).await.unwrap();
        ended.unwrap_err().chain()
    }

    /// Stops the aggregator that was started first.
    pub(crate) async fn stop_service(&mut self) {
        match self.services.remove(0).kind {
            Kind::Task(_, stop, task) => {
                stop.cancel();
                task.await.unwrap().unwrap();
            }
            Kind::Process(process) => {
                process.stop().await;
                assert!(process.ended().unwrap().success());
            }
        }
    }

    /// Starts the program as a process of its own. Returns the process id.
    pub(crate) async fn start_process(&mut self) -> u32 {
        let file = self.config_file(self.folder.address_file());
        let mut command = Command::new(env!("CARGO_BIN_EXE_aggregator"));
        // Combiners that are reached without TLS need no certificates of the operating system.
        command.arg("--config").arg(file).env("RUST_LOG", "warn");
        command.env("SSL_CERT_FILE", "/dev/null").env_remove("SSL_CERT_DIR");
        let process = Process::spawn(Service::Aggregator, self.folder.clone(), command).unwrap();
        let (url, id) = (format!("http://{}", process.listening().await.unwrap()), process.id());
        self.services.push(Running { url, kind: Kind::Process(process) });
        id
    }

    fn config(&self, port_file: PathBuf) -> Config {
        kit::config::load(Some(&self.config_file(port_file)), "AGGREGATOR_OF_TESTS").unwrap()
    }

    /// Writes a new configuration file.
    fn config_file(&self, port_file: PathBuf) -> PathBuf {
        let urls: Vec<_> =
            self.combiners.iter().map(|combiner| format!("http://{}", combiner.address)).collect();
        let Self { folder, database, pins, .. } = self;
        let mut settings = folder.aggregator_settings(&database.url(), pins, &urls);
        settings.set_text("listen.port_file", port_file.display());
        self.settings.write(&mut settings);
        let file = self.directory.path().join(format!("{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&file, settings.to_string()).unwrap();
        file
    }

    /// Connects to the database as another role.
    pub(crate) async fn connect_as(&self, role: &str) -> PgPool {
        PgPool::connect(&self.database.url_as(role)).await.unwrap()
    }

    /// The URL of a path at the aggregator that was started first.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.services[0].url)
    }

    /// The address of the service, without the scheme.
    pub(crate) fn address(&self) -> &str {
        self.services[0].url.trim_start_matches("http://")
    }
}

impl Settings {
    fn write(&self, settings: &mut local::Settings) {
        settings
            .set("limits.concurrent_uploads", self.concurrent_uploads)
            .set("limits.waiting_uploads", self.waiting_uploads)
            .set("limits.upload_wait_ms", self.upload_wait_ms)
            .set("limits.upload_idle_timeout_ms", self.upload_idle_timeout_ms)
            .set("jobs.workers", self.workers)
            .set("jobs.lease_ms", 2_000)
            .set("jobs.poll_ms", 50)
            .set("jobs.retry_ms", 50)
            .set("jobs.attempts", self.attempts)
            .set("compute.threads", 2)
            .set("settle_ms", self.settle_ms)
            .set("record.sequence_ms", self.record.sequence_ms)
            .set("record.checkpoint_ms", self.record.checkpoint_ms)
            .set("record.inclusion_delay_ms", self.record.inclusion_delay_ms);
        if let Some(origin) = &self.record.origin {
            settings.set_text("record.origin", origin);
        }
        if let Some(window_ms) = self.record.audit_window_ms {
            settings.set("record.audit_window_ms", window_ms);
        }
    }
}

pub(crate) fn now_ms() -> i64 {
    kit::time::Timestamp::now().ms()
}
