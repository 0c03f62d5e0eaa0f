//! An aggregator of a test's own: database, directories, combiners, and the service on a free port.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use aggregator::{Config, config::RecordConfig};
use api::{
    Hex, Problem, ProblemKind,
    participants::Page,
    paths,
    rounds::{CreateRound, RoundState, RoundView, SignedRound, Tensor},
};
use kit::{
    cluster::PrivateCluster,
    config::{DatabaseConfig, ListenConfig, LogConfig, Secret},
    shutdown::CancellationToken,
    vault::KeyVault,
};
use protocol::{IdentityKey, Pins, Signature, SignedDocument, VerifiedRound};
use rand::rngs::OsRng;
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tempfile::TempDir;

use crate::combiner::Combiner;

pub(crate) const ADMIN_TOKEN: &str = "the operator's token";
const SERVICE_TOKEN: &str = "the services' token";
pub(crate) const EPOCH: u32 = 7;
const MODEL: &[u8] = b"the model that clients start from";

/// The role that the service connects as.
const SERVICE: &str = "aggregator_service";

/// One cluster for all tests of the process; it stops, and is removed, when the process ends.
static CLUSTER: LazyLock<PrivateCluster> = LazyLock::new(|| PrivateCluster::temporary().unwrap());

/// The settings that tests vary.
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

/// An aggregator and what it works with.
pub(crate) struct Deployment {
    pub(crate) registrar: IdentityKey,
    pub(crate) pins: Pins,
    pub(crate) combiners: Vec<Combiner>,
    pub(crate) db: PgPool,
    pub(crate) settings: Settings,
    identity_secret: String,
    database_url: String,
    database: String,
    directory: TempDir,
    http: reqwest::Client,
    services: Vec<Service>,
}

struct Service {
    url: String,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<kit::Result<()>>,
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let cluster = tokio::task::spawn_blocking(|| &*CLUSTER).await.unwrap();
        let name = format!("aggregator_{}", uuid::Uuid::now_v7().simple());
        let db = PgPool::connect(&cluster.create_database(&name).await.unwrap()).await.unwrap();
        for (group, role) in [("aggregator_rw", SERVICE), ("auditor_ro", "auditor"), ("payer_rw", "payer")] {
            let admin_url = cluster.admin_url();
            kit::postgres::bootstrap_member(&admin_url, &name, group, role, "unused").await.unwrap();
        }
        aggregator::migrate(&db).await.unwrap();
        let (identity, registrar) = (IdentityKey::generate(&mut OsRng), IdentityKey::generate(&mut OsRng));
        let mut combiners = Vec::new();
        for _ in 0..settings.combiners {
            combiners.push(Combiner::start(identity.public(), registrar.public(), SERVICE_TOKEN).await);
        }
        let pins = Pins {
            aggregator: identity.public(),
            combiners: combiners.iter().map(|combiner| combiner.key).collect(),
            registrar: registrar.public(),
        };
        let mut deployment = Self {
            registrar,
            pins,
            combiners,
            db,
            settings,
            identity_secret: hex::encode(*identity.secret()),
            database_url: cluster.url_as(&name, SERVICE),
            database: name,
            directory: tempfile::tempdir().unwrap(),
            http: reqwest::Client::new(),
            services: Vec::new(),
        };
        deployment.start_service().await;
        deployment
    }

    /// Starts a process more on the same database and directories.
    pub(crate) async fn start_service(&mut self) {
        let port_file = self.directory.path().join(format!("address-{}", uuid::Uuid::new_v4()));
        let stop = CancellationToken::new();
        let task = tokio::spawn(aggregator::run(self.config(port_file.clone()), stop.clone()));
        let address =
            eventually("the service to listen", async || std::fs::read_to_string(&port_file).ok()).await;
        self.services.push(Service { url: format!("http://{address}"), stop, task });
    }

    /// Why a process more does not start.
    pub(crate) async fn start_error(&self) -> String {
        let running =
            aggregator::run(self.config(self.directory.path().join("none")), CancellationToken::new());
        let ended = tokio::time::timeout(Duration::from_secs(20), running).await.unwrap();
        ended.unwrap_err().chain()
    }

    /// Stops the process that was started first.
    pub(crate) async fn stop_service(&mut self) {
        let service = self.services.remove(0);
        service.stop.cancel();
        service.task.await.unwrap().unwrap();
    }

    /// Starts the program in a process of its own; answers the process's id.
    pub(crate) async fn start_process(&mut self) -> u32 {
        let port_file = self.directory.path().join(format!("address-{}", uuid::Uuid::new_v4()));
        let file = self.directory.path().join("aggregator.toml");
        std::fs::write(&file, self.config_text(&port_file)).unwrap();
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_aggregator"))
            .arg("--config")
            .arg(file)
            .env("RUST_LOG", "warn")
            // Combiners that are reached without TLS ask for no certificate of the operating system's.
            .env("SSL_CERT_FILE", "/dev/null")
            .env_remove("SSL_CERT_DIR")
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let process = child.id().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            stopped.cancelled().await;
            std::process::Command::new("kill").arg(process.to_string()).status()?;
            assert!(child.wait().await?.success());
            Ok(())
        });
        let address =
            eventually("the program to listen", async || std::fs::read_to_string(&port_file).ok()).await;
        self.services.push(Service { url: format!("http://{address}"), stop, task });
        process
    }

    fn config_text(&self, port_file: &std::path::Path) -> String {
        let directory = self.directory.path().display();
        let combiner = |combiner: &Combiner| {
            let key = hex::encode(combiner.key.0);
            format!("[[combiners]]\nurl = \"http://{}\"\nidentity_key = \"{key}\"\n", combiner.address)
        };
        format!(
            "identity_key = \"{}\"\nvault = \"{directory}/vault\"\nregistrar_key = \"{}\"\n\
             admin_token = \"{ADMIN_TOKEN}\"\nservice_token = \"{SERVICE_TOKEN}\"\n\
             [listen]\naddr = \"127.0.0.1:0\"\nport_file = \"{}\"\n[database]\nurl = \"{}\"\n\
             [blobs.local]\npath = \"{directory}/blobs\"\n[limits]\nconcurrent_uploads = {}\n{}",
            self.identity_secret,
            hex::encode(self.pins.registrar.0),
            port_file.display(),
            self.database_url,
            self.settings.concurrent_uploads,
            self.combiners.iter().map(combiner).collect::<String>(),
        )
    }

    fn config(&self, port_file: PathBuf) -> Config {
        use aggregator::config::{
            BackendChoice, BlobsConfig, CombinerConfig, ComputeConfig, JobsConfig, Limits,
        };

        let combiner = |combiner: &Combiner| CombinerConfig {
            url: format!("http://{}", combiner.address),
            identity_key: Hex(combiner.key.0),
            ca_file: None,
            allow_http: false,
        };
        let Settings {
            concurrent_uploads,
            waiting_uploads,
            upload_wait_ms,
            upload_idle_timeout_ms,
            settle_ms,
            attempts,
            workers,
            ..
        } = self.settings;
        let limits = Limits {
            concurrent_uploads,
            waiting_uploads,
            upload_wait_ms,
            upload_idle_timeout_ms,
            ..Limits::default()
        };
        Config {
            listen: ListenConfig { port_file: Some(port_file), ..ListenConfig::default() },
            database: DatabaseConfig::new(Secret::text(&self.database_url)),
            log: LogConfig::default(),
            identity_key: Secret::text(&self.identity_secret),
            vault: self.directory.path().join("vault"),
            blobs: BlobsConfig::Local { path: self.directory.path().join("blobs") },
            combiners: self.combiners.iter().map(combiner).collect(),
            registrar_key: Hex(self.pins.registrar.0),
            admin_token: Secret::text(ADMIN_TOKEN),
            service_token: Secret::text(SERVICE_TOKEN),
            limits,
            jobs: JobsConfig { workers, lease_ms: 2_000, poll_ms: 50, retry_ms: 50, attempts },
            compute: ComputeConfig { backend: BackendChoice::Auto, threads: 2, ..ComputeConfig::default() },
            settle_ms,
            record: self.settings.record.clone(),
        }
    }

    /// A connection as another role.
    pub(crate) async fn connect_as(&self, role: &str) -> PgPool {
        PgPool::connect(&CLUSTER.url_as(&self.database, role)).await.unwrap()
    }

    /// Waits until everything recorded is covered by a checkpoint.
    pub(crate) async fn until_sealed(&self) {
        eventually("a checkpoint over everything", async || {
            let left = "SELECT (SELECT COUNT(*) FROM log_outbox WHERE table_name <> 'log_checkpoints') + (
                            SELECT COUNT(*) FROM log_entries WHERE table_name <> 'log_checkpoints'
                            AND index >= (SELECT COALESCE(MAX(size), 0) FROM log_checkpoints))";
            let left: i64 = sqlx::query_scalar(left).fetch_one(&self.db).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
    }

    /// Where the service listens, without the scheme.
    pub(crate) fn address(&self) -> &str {
        self.services[0].url.trim_start_matches("http://")
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: impl Into<reqwest::Body>,
        media_type: &str,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.services[0].url)).body(body);
        request = request.header("content-type", media_type);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, "", "text/plain").await
    }

    /// As the operator.
    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.send(Method::POST, path, Some(ADMIN_TOKEN), body, "application/json").await
    }

    pub(crate) async fn put(&self, path: &str, body: Vec<u8>) -> Answer {
        self.send(Method::PUT, path, None, body, "application/octet-stream").await
    }

    pub(crate) async fn upload_model(&self, bytes: &[u8]) -> Hex<32> {
        let digest = Hex(Sha256::digest(bytes).into());
        let path = paths::fill(paths::MODEL, &[&digest]);
        let answer = self
            .send(Method::PUT, &path, Some(ADMIN_TOKEN), bytes.to_vec(), "application/octet-stream")
            .await;
        assert_eq!(answer.status, 204);
        digest
    }

    /// A round over the usual model that is open for an hour.
    pub(crate) async fn plan(&self) -> CreateRound {
        CreateRound {
            model_digest: self.upload_model(MODEL).await,
            tensors: vec![
                Tensor { name: "weights".into(), shape: vec![40, 50] },
                Tensor { name: "bias".into(), shape: vec![] },
            ],
            max_contributions: 8,
            min_cohort: 2,
            norm_bound: 1 << 18,
            clip: 10.0,
            weight_min: 1,
            weight_max: 5,
            opens_at_ms: None,
            earliest_close_ms: None,
            closes_at_ms: now_ms() + 3_600_000,
            credential_epoch: EPOCH,
            proof: api::rounds::ProofDemand::None,
            max_attempts: 2,
            payout: None,
            min_reputation_ppm: 0,
        }
    }

    pub(crate) async fn open_round(&self) -> OpenRound {
        self.open_planned(&self.plan().await).await
    }

    pub(crate) async fn open_planned(&self, plan: &CreateRound) -> OpenRound {
        let answer = self.post(paths::ROUNDS, plan).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let view: RoundView = answer.json();
        assert_eq!(view.state, RoundState::Open);
        let signed: SignedRound =
            self.get(&paths::fill(paths::ROUND_DOCUMENT, &[&view.round_id])).await.json();
        let signed = SignedDocument {
            document: signed.document.0,
            aggregator_signature: Signature(signed.aggregator_signature.0),
            countersignatures: signed
                .countersignatures
                .iter()
                .map(|signature| Signature(signature.0))
                .collect(),
        };
        OpenRound { id: view.round_id, verified: signed.verify(&self.pins).unwrap() }
    }

    pub(crate) async fn show(&self, round: &OpenRound) -> RoundView {
        self.get(&paths::fill(paths::ROUND, &[&round.id])).await.json()
    }

    pub(crate) async fn close(&self, round: &OpenRound) -> RoundView {
        let answer = self.post(&paths::fill(paths::ROUND_CLOSE, &[&round.id]), &()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn cancel(&self, round: &OpenRound) -> Answer {
        self.post(&paths::fill(paths::ROUND_CANCEL, &[&round.id]), &()).await
    }

    /// Waits until the round is in this state.
    pub(crate) async fn reach(&self, round: &OpenRound, state: RoundState) -> RoundView {
        self.until(round, |view| view.state == state).await
    }

    /// Waits until this holds of the round.
    pub(crate) async fn until(&self, round: &OpenRound, holds: impl Fn(&RoundView) -> bool) -> RoundView {
        let mut last = None;
        for _ in 0..600 {
            let view = self.show(round).await;
            if holds(&view) {
                return view;
            }
            last = Some(view);
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("still {last:?}");
    }

    /// The files of the object store below `folder`.
    pub(crate) fn objects(&self, folder: &str) -> Vec<String> {
        let mut folders = vec![self.directory.path().join("blobs").join(folder)];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path.display().to_string()) }
            }
        }
        files
    }

    pub(crate) fn vault(&self) -> KeyVault {
        KeyVault::open(self.directory.path().join("vault")).unwrap()
    }

    /// The private keys in the vault.
    pub(crate) fn keys(&self) -> usize {
        self.vault().list().unwrap().len()
    }

    /// Waits until every private key is destroyed.
    pub(crate) async fn until_no_keys(&self) {
        eventually("keys to be destroyed", async || (self.keys() == 0).then_some(())).await;
    }

    /// Waits until the combiners know that the round has ended, and its key and its objects are gone.
    pub(crate) async fn until_abandoned(&self, round: &OpenRound) {
        let hash = round.verified.hash();
        let told = async || self.combiners.iter().all(|combiner| combiner.has_abandoned(hash)).then_some(());
        eventually("the combiners to be told", told).await;
        self.until_retired(round).await;
    }

    /// Waits until nothing is left to do for the round, which has no key and no objects.
    pub(crate) async fn until_retired(&self, round: &OpenRound) {
        eventually("the round's jobs to be done", async || {
            let left = "SELECT COUNT(*) FROM jobs WHERE round_id = $1 AND state IN ('ready', 'leased')";
            let left: i64 = sqlx::query_scalar(left).bind(round.id.0).fetch_one(&self.db).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
        assert_eq!(self.keys(), 0);
        assert_eq!(self.objects(&round.folder()), [""; 0]);
    }

    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str) -> Page<T> {
        self.get(path).await.json()
    }
}

/// A round that accepts contributions, as its participants know it.
pub(crate) struct OpenRound {
    pub(crate) id: Hex<16>,
    pub(crate) verified: VerifiedRound,
}

impl OpenRound {
    pub(crate) fn folder(&self) -> String {
        format!("rounds/{}", hex::encode(self.verified.hash()))
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(self.headers["content-type"], api::problem::MEDIA_TYPE, "{}", self.text());
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status);
        problem
    }

    #[track_caller]
    pub(crate) fn refused(&self, kind: ProblemKind) {
        assert_eq!(self.problem().kind(), Some(kind), "{}", self.text());
    }
}

pub(crate) fn now_ms() -> i64 {
    kit::time::Timestamp::now().ms()
}

/// Waits for something that happens soon.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(value) = look().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain for {what}");
}
