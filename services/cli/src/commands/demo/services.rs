//! The demo's aggregator and combiner: processes of their own, with databases, keys and folders of their own.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use kit::{cluster::PrivateCluster, postgres};
use protocol::{IdentityKey, Pins};
use rand::{RngCore, rngs::OsRng};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::{
    commands::db::{self, Service},
    error::{CommandError, Result},
    key_file,
    output::Output,
};

/// Name of the aggregator's database and of the role that serves.
pub(super) const AGGREGATOR: &str = "blindsum_aggregator";
/// The database's owner.
const OWNER: &str = "blindsum_aggregator_owner";
/// The role that audits.
pub(super) const AUDITOR: &str = "blindsum_aggregator_auditor";
/// The role that says which batches are paid.
const PAYER: &str = "blindsum_aggregator_payer";
/// Name of the combiner's database and role.
const COMBINER: &str = "blindsum_combiner";
/// Epoch of the demo's credentials.
pub(super) const EPOCH: u32 = 1;
/// How long a service may take to start.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// The running services. They are killed when this is dropped.
pub(super) struct Services {
    pub(super) aggregator_url: String,
    pub(super) pins: Pins,
    pub(super) registrar: IdentityKey,
    pub(super) admin_token: Zeroizing<String>,
    _processes: [Child; 2],
}

impl Services {
    pub(super) async fn start(folder: &Path, cluster: &PrivateCluster, output: &Output) -> Result<Self> {
        output.note("Starting the combiner and the aggregator …");
        let key = || IdentityKey::generate(&mut OsRng);
        let (aggregator, combiner, registrar) = (key(), key(), key());
        let (admin_token, service_token) = (token(), token());
        let pins = Pins {
            aggregator: aggregator.public(),
            combiners: vec![combiner.public()],
            registrar: registrar.public(),
        };
        let mut place = Place::new(folder, "combiner", &combiner, &service_token)?;
        let database = combiner_database(cluster).await?;
        let (combiner_process, combiner_url) =
            place.launch(&combiner_config(&place, &database, &pins)).await?;

        place = Place::new(folder, "aggregator", &aggregator, &service_token)?;
        let database = aggregator_database(cluster).await?;
        secret_file(&place.folder.join("admin-token"), admin_token.as_bytes())?;
        let config = aggregator_config(&place, &database, &pins, &combiner_url);
        let (aggregator_process, aggregator_url) = place.launch(&config).await?;
        let processes = [aggregator_process, combiner_process];
        Ok(Self { aggregator_url, pins, registrar, admin_token, _processes: processes })
    }
}

/// Makes the combiner's database and returns the URL for its role.
async fn combiner_database(cluster: &PrivateCluster) -> Result<String> {
    postgres::bootstrap(&cluster.admin_url(), COMBINER, COMBINER, &token()).await?;
    let url = cluster.url_as(COMBINER, COMBINER);
    db::migrate(Service::Combiner, &url).await?;
    Ok(url)
}

/// Makes the aggregator's database with its roles and returns the URL for the one that serves, which owns nothing.
async fn aggregator_database(cluster: &PrivateCluster) -> Result<String> {
    let admin_url = cluster.admin_url();
    postgres::bootstrap(&admin_url, AGGREGATOR, OWNER, &token()).await?;
    for (group, role) in
        [(db::AGGREGATOR_ROLE, AGGREGATOR), (db::AUDITOR_ROLE, AUDITOR), (db::PAYER_ROLE, PAYER)]
    {
        postgres::bootstrap_member(&admin_url, AGGREGATOR, group, role, &token()).await?;
    }
    db::migrate(Service::Aggregator, &cluster.url_as(AGGREGATOR, OWNER)).await?;
    Ok(cluster.url_as(AGGREGATOR, AGGREGATOR))
}

/// The folder of one service.
struct Place {
    service: &'static str,
    folder: PathBuf,
}

impl Place {
    fn new(
        parent: &Path,
        service: &'static str,
        identity: &IdentityKey,
        service_token: &str,
    ) -> Result<Self> {
        let folder = parent.join(service);
        if folder.exists() {
            return Err(CommandError::input(folder, "is there already; give --dir an empty folder"));
        }
        DirBuilder::new().mode(0o700).create(&folder).map_err(CommandError::file(&folder))?;
        key_file::write_key(&folder.join("identity.key"), identity)?;
        secret_file(&folder.join("service-token"), service_token.as_bytes())?;
        Ok(Self { service, folder })
    }

    /// What the configurations of both services have in common.
    fn common_config(&self, database: &str) -> (String, String) {
        let file = |name: &str| quoted(&self.folder.join(name).to_string_lossy());
        let top = format!(
            "identity_key = {{ file = {} }}\nservice_token = {{ file = {} }}\nvault = {}\n",
            file("identity.key"),
            file("service-token"),
            file("vault")
        );
        let sections = format!(
            "[listen]\naddr = \"127.0.0.1:0\"\nport_file = {}\n[database]\nurl = {}\n",
            file("address"),
            quoted(database)
        );
        (top, sections)
    }

    /// Starts the service as a process and waits until it accepts requests.
    async fn launch(&self, config: &str) -> Result<(Child, String)> {
        let config_path = self.folder.join("config.toml");
        secret_file(&config_path, config.as_bytes())?;
        let log_path = self.folder.join("log");
        let log = File::create(&log_path).map_err(CommandError::file(&log_path))?;
        let program = std::env::current_exe().map_err(CommandError::Runtime)?;
        let mut command = Command::new(program);
        command.args(["serve", self.service, "--config"]).arg(&config_path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let mut process = command.spawn().map_err(CommandError::Runtime)?;
        let address = self.address(&mut process, &log_path).await?;
        Ok((process, format!("http://{address}")))
    }

    async fn address(&self, process: &mut Child, log: &Path) -> Result<String> {
        let path = self.folder.join("address");
        let start = Instant::now();
        loop {
            if let Ok(address) = fs::read_to_string(&path) {
                return Ok(address.trim().to_owned());
            }
            let ended = process.try_wait().map_err(CommandError::Runtime)?.is_some();
            if ended || start.elapsed() > START_PATIENCE {
                let log = fs::read_to_string(log).unwrap_or_default();
                let message = log.lines().last().unwrap_or("it said nothing").to_owned();
                return Err(CommandError::Program { program: self.service, message });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn combiner_config(place: &Place, database: &str, pins: &Pins) -> String {
    let (top, sections) = place.common_config(database);
    format!(
        "{top}{sections}[policy]\naggregator_key = \"{:?}\"\nregistrar_key = \"{:?}\"\n",
        pins.aggregator, pins.registrar
    )
}

fn aggregator_config(place: &Place, database: &str, pins: &Pins, combiner_url: &str) -> String {
    let (top, sections) = place.common_config(database);
    let file = |name: &str| quoted(&place.folder.join(name).to_string_lossy());
    format!(
        "registrar_key = \"{:?}\"\nadmin_token = {{ file = {} }}\n{top}{sections}\
         [jobs]\npoll_ms = 50\n\
         [record]\norigin = \"blindsum.demo/log\"\nsequence_ms = 250\ncheckpoint_ms = 2000\n\
         [blobs.local]\npath = {}\n\
         [[combiners]]\nurl = {}\nidentity_key = \"{:?}\"\n",
        pins.registrar,
        file("admin-token"),
        file("blobs"),
        quoted(combiner_url),
        pins.combiners[0],
    )
}

/// A text as TOML.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn secret_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes)).map_err(CommandError::file(path))
}

fn token() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *bytes);
    Zeroizing::new(hex::encode(&bytes[..]))
}
