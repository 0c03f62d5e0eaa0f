//! An aggregator and a combiner with their folders, keys, databases and processes.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::fs::symlink,
    path::Path,
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use kit::vault::KeyVault;
use local::{Pair, Parties, Process, Service, Settings, Setup, databases::Migrate, scratch::ScratchDatabase};
use names::RoundId;
use protocol::Pins;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;

use crate::server;

const MIGRATE_AGGREGATOR: Migrate = |pool| Box::pin(async move { aggregator::migrate(&pool).await });
const MIGRATE_COMBINER: Migrate = |pool| Box::pin(async move { combiner::migrate(&pool).await });

/// Both services with everything that they own. Dropping this value kills them, and then removes
/// what they own.
pub struct Deployment {
    /// The keys and tokens of all parties.
    pub parties: Parties,
    /// The public keys that clients pin.
    pub pins: Pins,
    pair: Pair,
    aggregator_database: ScratchDatabase,
    combiner_database: ScratchDatabase,
    /// The folder of configurations, keys, logs, vaults and blobs.
    pub dir: TempDir,
}

/// The card that the aggregator computes on.
#[derive(Clone, Copy)]
pub enum Card {
    /// The machine's own card.
    Real,
    /// The emulated card.
    Emulated,
}

/// The settings that a test changes.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// The aggregator dies after this many writes.
    pub crash_aggregator_after: Option<u64>,
    /// The combiner dies after this many writes.
    pub crash_combiner_after: Option<u64>,
    /// The most uploads that are received at the same time. `None` stands for 16.
    pub concurrent_uploads: Option<usize>,
    /// The S3-compatible server that stores the aggregator's objects in [`BUCKET`]. `None` stores
    /// them in a folder.
    pub s3: Option<SocketAddr>,
    /// The card on which the aggregator computes. The aggregator does not start without it. Needs
    /// the feature `cuda`.
    pub card: Option<Card>,
    /// The number of threads with which the aggregator computes. `None` stands for 2.
    pub compute_threads: Option<usize>,
}

/// The bucket that stores the aggregator's objects.
pub const BUCKET: &str = "blindsum";
/// The beginning of every object name in the bucket.
pub const PREFIX: &str = "of-the/aggregator";

impl Deployment {
    /// Starts both services, each on a new database.
    pub async fn start(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let aggregator_database = ScratchDatabase::create(Service::Aggregator, MIGRATE_AGGREGATOR).await;
        let combiner_database = ScratchDatabase::create(Service::Combiner, MIGRATE_COMBINER).await;
        let aggregator_database = aggregator_database.expect("the aggregator's database");
        let combiner_database = combiner_database.expect("the combiner's database");
        let parties = Parties::generate();
        if matches!(options.card, Some(Card::Emulated)) {
            // The processes look for libraries in the deployment's folder.
            let driver = Path::new(emulator::DRIVER_FOLDER).join("libcuda.so");
            symlink(driver, dir.path().join("libcuda.so")).expect("a link to the driver");
        }
        // A service that is started again must have its earlier address.
        let addresses = [free_address(), free_address()];
        let setup = Setup {
            folder: dir.path(),
            parties: &parties,
            database_url: &|service| match service {
                Service::Aggregator => aggregator_database.url(),
                Service::Combiner => combiner_database.url(),
            },
            command: &|service, folder| server::command(service, folder, options.crash_after(service)),
            address: &|service| addresses[service as usize],
            adjust: &|service, settings| options.adjust(service, settings),
            may_end_early: true,
        };
        let pair = Pair::start(&setup).await.expect("both services start");
        Self { pins: parties.pins(), parties, pair, aggregator_database, combiner_database, dir }
    }

    /// Returns the process of a service.
    pub fn process(&self, service: Service) -> &Process {
        match service {
            Service::Aggregator => &self.pair.aggregator,
            Service::Combiner => &self.pair.combiner,
        }
    }

    /// The URL on which the aggregator listens, or listened before it died.
    pub fn aggregator_url(&self) -> &str {
        &self.pair.aggregator_url
    }

    /// Kills a service if it still runs, and starts it again at the same address.
    pub async fn restart(&self, service: Service) {
        let process = self.process(service);
        process.replace(server::command(service, process.folder(), None)).expect("the service starts");
        process.listening().await.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()));
    }

    /// Returns the whole log of the aggregator.
    pub fn aggregator_log(&self) -> String {
        self.pair.aggregator.folder().log_tail(usize::MAX)
    }

    /// Returns the end of both logs, for the message of a failing test.
    pub fn logs(&self) -> String {
        let tail = |service| format!("--- {service}\n{}\n", self.process(service).folder().log_tail(60));
        Service::ALL.map(tail).concat()
    }

    /// Waits until the vault of `service` holds no key of this round.
    pub async fn wait_for_no_key(&self, service: Service, round_id: RoundId) {
        let vault = KeyVault::open(self.process(service).folder().vault()).expect("the vault");
        let start = Instant::now();
        loop {
            match vault
                .list()
                .expect("the vault's names")
                .iter()
                .find(|name| name.contains(&round_id.to_string()))
            {
                None => return,
                Some(key) if start.elapsed() > Duration::from_secs(30) => {
                    panic!("{service} still holds {key}")
                }
                Some(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Connects to a service's database as the administrator.
    pub async fn database(&self, service: Service) -> PgPool {
        let url = match service {
            Service::Aggregator => self.aggregator_database.admin_url(),
            Service::Combiner => self.combiner_database.admin_url(),
        };
        PgPoolOptions::new().max_connections(2).connect(&url).await.expect("the service's database")
    }
}

impl Options {
    fn crash_after(&self, service: Service) -> Option<u64> {
        match service {
            Service::Aggregator => self.crash_aggregator_after,
            Service::Combiner => self.crash_combiner_after,
        }
    }

    fn adjust(&self, service: Service, settings: &mut Settings) {
        match service {
            Service::Aggregator => self.adjust_aggregator(settings),
            Service::Combiner => {
                settings
                    .set("database.max_connections", 6)
                    .set("policy.min_cohort_floor", 2)
                    .set("policy.open_rounds_for_a_layout", 64)
                    .set("policy.max_contributions_cap", 10_000);
            }
        }
    }

    fn adjust_aggregator(&self, settings: &mut Settings) {
        settings
            .set("database.max_connections", 8)
            .set("limits.concurrent_uploads", self.concurrent_uploads.unwrap_or(16))
            .set("jobs.lease_ms", 2000)
            .set("jobs.poll_ms", 100)
            .set("record.sequence_ms", 500)
            .set("record.checkpoint_ms", 5000)
            .set("compute.threads", self.compute_threads.unwrap_or(2))
            .set_text("compute.backend", if self.card.is_some() { "cuda" } else { "cpu" });
        if let Some(address) = self.s3 {
            settings
                .remove_section("blobs")
                .set_text("blobs.s3.bucket", BUCKET)
                .set_text("blobs.s3.region", "eu-central-1")
                .set_text("blobs.s3.prefix", PREFIX)
                .set_text("blobs.s3.endpoint", format_args!("http://{address}"));
        }
    }
}

/// Returns an address whose port no other program takes while a service restarts. The port is below
/// those that operating systems choose by themselves.
fn free_address() -> SocketAddr {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new(10_000 + rand::random::<u16>() % 20_000));
    loop {
        let address = SocketAddr::from(([127, 0, 0, 1], next.fetch_add(1, Ordering::Relaxed)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
