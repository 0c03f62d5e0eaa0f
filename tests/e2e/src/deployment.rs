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

use api::Hex;
use kit::{cluster::PrivateCluster, postgres, vault::KeyVault};
use protocol::{IdentityKey, Pins};
use rand::rngs::OsRng;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::server::Server;

/// The operator's token in every test.
pub const ADMIN_TOKEN: &str = "admin-token-of-the-tests";
const SERVICE_TOKEN: &str = "service-token-of-the-tests";
/// The services.
const ROLES: [&str; 2] = ["aggregator", "combiner"];
/// The role that the aggregator connects as.
const SERVICE_ROLE: &str = "aggregator";

/// Both services with everything they own. Dropping it kills them and removes what they own, in this order.
pub struct Deployment {
    /// The registrar, who also answers for credentials in tests.
    pub registrar: IdentityKey,
    /// What clients pin.
    pub pins: Pins,
    /// The aggregator's process.
    pub aggregator: Server,
    /// The combiner's process.
    pub combiner: Server,
    databases: Databases,
    /// Folder of configuration, keys, logs, vaults and blobs.
    pub dir: TempDir,
}

/// What computes, when it is not the processor.
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
    /// The aggregator's objects are in the bucket [`BUCKET`] of this S3-compatible server; in a folder if not given.
    pub s3: Option<SocketAddr>,
    /// The aggregator computes on a card, and does not start without one. Needs the feature `cuda`.
    pub card: Option<Card>,
    /// Threads of the aggregator's computing; 2 if not given.
    pub compute_threads: Option<usize>,
}

/// The bucket of the aggregator's objects.
pub const BUCKET: &str = "blindsum";
/// What is put before the name of every object in it.
pub const PREFIX: &str = "of-the/aggregator";

impl Deployment {
    /// Deploys and starts both services, each on a new database.
    pub async fn start(options: Options) -> Self {
        let cluster = cluster().await;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let databases = Databases::create(cluster).await;
        let keys: [IdentityKey; 3] = std::array::from_fn(|_| IdentityKey::generate(&mut OsRng));
        let [aggregator, combiner, registrar] = keys;
        let pins = Pins {
            aggregator: aggregator.public(),
            combiners: vec![combiner.public()],
            registrar: registrar.public(),
        };
        for (name, key) in [("aggregator", &aggregator), ("combiner", &combiner)] {
            write(dir.path(), &format!("{name}.key"), &hex::encode(*key.secret()));
        }
        // fixed addresses, so that a service that is started again is found where it was
        let (combiner_address, aggregator_address) = (free_address(), free_address());
        let url = cluster.url(&databases.name("combiner"));
        write(dir.path(), "combiner.toml", &combiner_config(dir.path(), combiner_address, &url, &pins));
        // The aggregator owns nothing in its database.
        let url = cluster.url_as(&databases.name("aggregator"), SERVICE_ROLE);
        let config =
            aggregator_config(dir.path(), aggregator_address, &url, &pins, combiner_address, options);
        write(dir.path(), "aggregator.toml", &config);
        if matches!(options.card, Some(Card::Emulated)) {
            // Processes look for libraries in the deployment's folder.
            let driver = Path::new(emulator::DRIVER_FOLDER).join("libcuda.so");
            symlink(driver, dir.path().join("libcuda.so")).expect("a link to the driver");
        }
        let combiner = Server::start("combiner", dir.path(), combiner_address, options.crash_combiner_after);
        let aggregator =
            Server::start("aggregator", dir.path(), aggregator_address, options.crash_aggregator_after);
        Self { registrar, pins, aggregator, combiner, databases, dir }
    }

    /// Kills the aggregator if it still lives, and starts it again at the same address.
    pub fn restart_aggregator(&self) {
        self.aggregator.restart("aggregator", self.dir.path());
    }

    /// Kills the combiner if it still lives, and starts it again at the same address.
    pub fn restart_combiner(&self) {
        self.combiner.restart("combiner", self.dir.path());
    }

    /// All that the aggregator has logged.
    pub fn aggregator_log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("aggregator.log")).expect("the aggregator's log")
    }

    /// The end of both services' logs, for the message of a test that fails.
    pub fn logs(&self) -> String {
        let tail = |service: &str| {
            let log =
                std::fs::read_to_string(self.dir.path().join(format!("{service}.log"))).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            format!("--- {service}\n{}\n", lines[lines.len().saturating_sub(60)..].join("\n"))
        };
        tail("aggregator") + &tail("combiner")
    }

    /// Waits until the vault of `service` holds no key of this round.
    pub async fn wait_for_no_key(&self, service: &str, round_id: Hex<16>) {
        let vault = KeyVault::open(self.dir.path().join(format!("{service}-vault"))).expect("the vault");
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

    /// A connection to the aggregator's database, as its owner.
    pub async fn aggregator_database(&self) -> PgPool {
        let url = cluster().await.url(&self.databases.name("aggregator"));
        PgPoolOptions::new().max_connections(2).connect(&url).await.expect("the aggregator's database")
    }

    /// A connection to the combiner's database.
    pub async fn combiner_database(&self) -> PgPool {
        let url = cluster().await.url(&self.databases.name("combiner"));
        PgPoolOptions::new().max_connections(2).connect(&url).await.expect("the combiner's database")
    }
}

/// A port of this program alone: below those that systems hand out by themselves, so that nobody takes it while its
/// service is being started again.
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

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).expect("a file of the deployment");
}

fn combiner_config(dir: &Path, address: SocketAddr, database: &str, pins: &Pins) -> String {
    let dir = dir.display();
    format!(
        r#"vault = "{dir}/combiner-vault"
identity_key = {{ file = "{dir}/combiner.key" }}
service_token = "{SERVICE_TOKEN}"
[listen]
addr = "{address}"
port_file = "{dir}/combiner.port"
[database]
url = "{database}"
max_connections = 6
[policy]
aggregator_key = "{:?}"
registrar_key = "{:?}"
min_cohort_floor = 2
max_contributions_cap = 10000
"#,
        pins.aggregator, pins.registrar
    )
}

fn aggregator_config(
    dir: &Path,
    address: SocketAddr,
    database: &str,
    pins: &Pins,
    combiner: SocketAddr,
    options: Options,
) -> String {
    let dir = dir.display();
    let uploads = options.concurrent_uploads.unwrap_or(16);
    let blobs = match options.s3 {
        None => format!("[blobs.local]\npath = \"{dir}/blobs\""),
        Some(address) => format!(
            "[blobs.s3]\nbucket = \"{BUCKET}\"\nregion = \"eu-central-1\"\nprefix = \"{PREFIX}\"\n\
             endpoint = \"http://{address}\""
        ),
    };
    let threads = options.compute_threads.unwrap_or(2);
    let backend = if options.card.is_some() { "cuda" } else { "cpu" };
    format!(
        r#"vault = "{dir}/aggregator-vault"
identity_key = {{ file = "{dir}/aggregator.key" }}
service_token = "{SERVICE_TOKEN}"
admin_token = "{ADMIN_TOKEN}"
registrar_key = "{:?}"
[listen]
addr = "{address}"
port_file = "{dir}/aggregator.port"
[database]
url = "{database}"
max_connections = 8
{blobs}
[[combiners]]
url = "http://{combiner}"
identity_key = "{:?}"
[limits]
concurrent_uploads = {uploads}
[jobs]
lease_ms = 2000
poll_ms = 100
[record]
sequence_ms = 500
checkpoint_ms = 5000
[compute]
threads = {threads}
backend = "{backend}"
"#,
        pins.registrar, pins.combiners[0]
    )
}

/// A database for each service. Dropping it drops them: all those of a program that makes many would take gigabytes.
struct Databases {
    prefix: String,
    cluster: &'static PrivateCluster,
}

impl Databases {
    async fn create(cluster: &'static PrivateCluster) -> Self {
        let prefix = format!("d{}", hex::encode(rand::random::<[u8; 8]>()));
        let databases = Self { prefix, cluster };
        for role in ROLES {
            let statement = format!("CREATE DATABASE {} TEMPLATE template_{role}", databases.name(role));
            administer(cluster, &statement).await;
        }
        databases
    }

    fn name(&self, role: &str) -> String {
        format!("{}_{role}", self.prefix)
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        let drop_all = async || {
            for role in ROLES {
                let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name(role));
                administer(self.cluster, &statement).await;
            }
        };
        // On a thread of its own: this one may be driven by a runtime that must not block.
        let dropping = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(drop_all());
        };
        let dropped = std::thread::scope(|scope| scope.spawn(dropping).join());
        // What goes wrong with it has been printed, and the cluster is removed with the program.
        drop(dropped);
    }
}

/// One private cluster for each test program, with a migrated template database for each service. It is never dropped;
/// it stops and is removed when the program ends.
async fn cluster() -> &'static PrivateCluster {
    static READY: OnceCell<&'static PrivateCluster> = OnceCell::const_new();
    READY
        .get_or_init(|| async {
            let cluster = private_cluster();
            for role in ROLES {
                let template = format!("template_{role}");
                let url = cluster.create_database(&template).await.expect("a template database");
                let pool = PgPool::connect(&url).await.expect("the template database");
                let migrated = if role == "aggregator" {
                    let admin = cluster.admin_url();
                    let member = postgres::bootstrap_member(
                        &admin,
                        &template,
                        "aggregator_rw",
                        SERVICE_ROLE,
                        "unused",
                    );
                    member.await.expect("the aggregator's role");
                    aggregator::migrate(&pool).await
                } else {
                    combiner::migrate(&pool).await
                };
                migrated.expect("the migrations apply");
                pool.close().await;
            }
            cluster
        })
        .await
}

fn private_cluster() -> &'static PrivateCluster {
    static CLUSTER: OnceLock<PrivateCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| PrivateCluster::temporary().expect("a private PostgreSQL cluster"))
}

async fn administer(cluster: &PrivateCluster, statement: &str) {
    let mut admin = PgConnection::connect(&cluster.admin_url()).await.expect("the cluster's administrator");
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut admin).await.expect("the statement");
    admin.close().await.expect("the connection closes");
}
