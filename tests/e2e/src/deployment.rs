//! An aggregator and a combiner, deployed: folders, keys, databases, processes.

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

/// Both services with everything they own. Dropping it kills them and removes what they own, in
/// this order.
pub struct Deployment {
    /// Everybody's keys and tokens.
    pub parties: Parties,
    /// The keys that clients pin.
    pub pins: Pins,
    pair: Pair,
    aggregator_database: ScratchDatabase,
    combiner_database: ScratchDatabase,
    /// Folder of configuration, keys, logs, vaults and blobs.
    pub dir: TempDir,
}

/// The card that computes.
#[derive(Clone, Copy)]
pub enum Card {
    /// The machine's.
    Real,
    /// The emulated one.
    Emulated,
}

/// What a test changes of the configuration.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// The aggregator dies once it has stored this many things.
    pub crash_aggregator_after: Option<u64>,
    /// The combiner dies once it has stored this many things.
    pub crash_combiner_after: Option<u64>,
    /// Uploads received at the same time; 16 if not given.
    pub concurrent_uploads: Option<usize>,
    /// The S3-compatible server whose bucket [`BUCKET`] has the aggregator's objects; a folder has
    /// them if not given.
    pub s3: Option<SocketAddr>,
    /// The aggregator computes on a card, and does not start without one. Needs the feature `cuda`.
    pub card: Option<Card>,
    /// Threads of the aggregator's computing; 2 if not given.
    pub compute_threads: Option<usize>,
}

/// The bucket of the aggregator's objects.
pub const BUCKET: &str = "blindsum";
/// The start of every object's name in it.
pub const PREFIX: &str = "of-the/aggregator";

impl Deployment {
    /// Deploys and starts both services, each on a new database.
    pub async fn start(options: Options) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let aggregator_database = ScratchDatabase::create(Service::Aggregator, MIGRATE_AGGREGATOR).await;
        let combiner_database = ScratchDatabase::create(Service::Combiner, MIGRATE_COMBINER).await;
        let aggregator_database = aggregator_database.expect("the aggregator's database");
        let combiner_database = combiner_database.expect("the combiner's database");
        let parties = Parties::generate();
        if matches!(options.card, Some(Card::Emulated)) {
            // Processes look for libraries in the deployment's folder.
            let driver = Path::new(emulator::DRIVER_FOLDER).join("libcuda.so");
            symlink(driver, dir.path().join("libcuda.so")).expect("a link to the driver");
        }
        // A service that is started again must be found where it was.
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

    /// The process of a service.
    pub fn process(&self, service: Service) -> &Process {
        match service {
            Service::Aggregator => &self.pair.aggregator,
            Service::Combiner => &self.pair.combiner,
        }
    }

    /// Where the aggregator listens, or did.
    pub fn aggregator_url(&self) -> &str {
        &self.pair.aggregator_url
    }

    /// Kills a service if it still lives, and starts it again at the same address.
    pub async fn restart(&self, service: Service) {
        let process = self.process(service);
        process.replace(server::command(service, process.folder(), None)).expect("the service starts");
        process.listening().await.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()));
    }

    /// All that the aggregator has logged.
    pub fn aggregator_log(&self) -> String {
        self.pair.aggregator.folder().log_tail(usize::MAX)
    }

    /// The end of both services' logs, for the message of a test that fails.
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

    /// A connection to a service's database, as the administrator.
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

/// An address whose port no other program gets while a service is being started again: it is below
/// those that systems hand out by themselves.
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
