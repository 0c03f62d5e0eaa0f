//! Configuration. `aggregator.sample.toml` beside this crate shows every section.

use std::{net::IpAddr, path::PathBuf};

use kit::config::{ConfigError, DatabaseConfig, ListenConfig, LogConfig, Secret, rule};
use names::PublicKey;
use reqwest::Url;
use serde::Deserialize;

/// Everything an aggregator needs to know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where requests are accepted.
    #[serde(default)]
    pub listen: ListenConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// How logs are written.
    #[serde(default)]
    pub log: LogConfig,
    /// Ed25519 secret, 64 hexadecimal digits.
    pub identity_key: Secret,
    /// Directory of the private keys of rounds. Not to be backed up.
    pub vault: PathBuf,
    /// Where bodies, models and sums are stored.
    pub blobs: BlobsConfig,
    /// The combiners, in the order in which they hold shares: 1 to 7.
    pub combiners: Vec<CombinerConfig>,
    /// Ed25519 public key of the registrar whose credentials are accepted.
    pub registrar_key: PublicKey,
    /// The operator's bearer token.
    pub admin_token: Secret,
    /// The bearer token that the combiners demand.
    pub service_token: Secret,
    /// What requests may ask for.
    #[serde(default)]
    pub limits: Limits,
    /// How work is leased.
    #[serde(default)]
    pub jobs: JobsConfig,
    /// How the service computes.
    #[serde(default)]
    pub compute: ComputeConfig,
    /// How long a closed round waits for stored contributions to be verified.
    #[serde(default = "default_settle_ms")]
    pub settle_ms: u64,
    /// The log of everything recorded.
    #[serde(default)]
    pub record: RecordConfig,
}

fn default_settle_ms() -> u64 {
    60_000
}

impl Config {
    /// Rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first rule broken.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.listen.check()?;
        self.database.check()?;
        rule((1..=7).contains(&self.combiners.len()), "combiners", "1 to 7 combiners")?;
        self.combiners.iter().try_for_each(CombinerConfig::check)?;
        self.limits.check()?;
        self.jobs.check()?;
        rule(self.compute.threads >= 1, "compute.threads", "at least 1")?;
        rule(
            (64..=1 << 20).contains(&self.compute.card_memory_mib),
            "compute.card_memory_mib",
            "64 to 1048576",
        )?;
        let possible = cfg!(feature = "cuda") || self.compute.backend != BackendChoice::Cuda;
        rule(possible, "compute.backend", "this program is built without the feature cuda")?;
        self.record.check()
    }
}

/// The object store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum BlobsConfig {
    /// A directory. Everything written is synchronised to the disk.
    Local {
        /// The directory, made if it is missing.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible store. Credentials come from the environment (`AWS_ACCESS_KEY_ID`, …).
    S3 {
        /// The bucket.
        bucket: String,
        /// Its region.
        region: String,
        /// The endpoint, if it is not Amazon's.
        endpoint: Option<String>,
        /// Put before every path.
        #[serde(default)]
        prefix: String,
    },
}

/// One combiner.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CombinerConfig {
    /// Its base URL, `https://host[:port]`. Plain `http` on this machine only.
    pub url: String,
    /// Its Ed25519 public key.
    pub identity_key: PublicKey,
    /// A PEM file of certificate authorities to trust beside those of the operating system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Allows plain `http` to another machine, for networks that encrypt by themselves. Anyone on the way
    /// can read the service token.
    #[serde(default)]
    pub allow_http: bool,
}

impl CombinerConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let url = Url::parse(&self.url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
        let Some(url) = url else {
            return rule(false, "combiners.url", "https://host[:port]");
        };
        let https = url.scheme() == "https";
        let private = https || is_this_machine(&url) || self.allow_http;
        rule(
            private,
            "combiners.url",
            "https, or http on this machine, unless combiners.allow_http is true",
        )?;
        rule(https || self.ca_file.is_none(), "combiners.ca_file", "only for a url with https")
    }

    /// Whether certificates are verified with those of the operating system.
    pub(crate) fn needs_system_roots(&self) -> bool {
        let https = Url::parse(&self.url).is_ok_and(|url| url.scheme() == "https");
        https && self.ca_file.is_none()
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What requests may ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Slots: uploads received at the same time.
    pub concurrent_uploads: usize,
    /// Uploads that may wait for a slot. Further ones are refused with 429.
    pub waiting_uploads: usize,
    /// How long an upload waits for a slot before it is refused with 429.
    pub upload_wait_ms: u64,
    /// An upload that sends nothing for this long is refused.
    pub upload_idle_timeout_ms: u64,
    /// The largest model.
    pub max_model_bytes: u64,
    /// The longest description of a round.
    pub max_request_bytes: usize,
    /// The most coordinates of an update.
    pub max_dimension: u64,
    /// How long a combiner may take to answer.
    pub combiner_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent_uploads: 16,
            waiting_uploads: 64,
            upload_wait_ms: 5_000,
            upload_idle_timeout_ms: 30_000,
            max_model_bytes: 8 << 30,
            max_request_bytes: 8 << 20,
            max_dimension: 1 << 32,
            combiner_timeout_ms: 60_000,
        }
    }
}

impl Limits {
    fn check(&self) -> Result<(), ConfigError> {
        rule((1..=1 << 20).contains(&self.concurrent_uploads), "limits.concurrent_uploads", "1 to 1048576")?;
        rule(self.upload_idle_timeout_ms >= 1, "limits.upload_idle_timeout_ms", "at least 1")?;
        rule(self.max_model_bytes >= 1, "limits.max_model_bytes", "at least 1")?;
        rule(self.max_request_bytes >= 1, "limits.max_request_bytes", "at least 1")?;
        rule(self.max_dimension >= 1, "limits.max_dimension", "at least 1")?;
        rule(self.combiner_timeout_ms >= 1, "limits.combiner_timeout_ms", "at least 1")
    }
}

/// How work is leased.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// Jobs worked on at the same time by this process.
    pub workers: usize,
    /// How long a worker that stopped answering keeps its job.
    pub lease_ms: u64,
    /// How often a worker without work looks for some.
    pub poll_ms: u64,
    /// The pause after the first failed attempt. Each further pause is twice as long.
    pub retry_ms: u64,
    /// Failed attempts after which a job, and with it the round, is given up. Waiting for a combiner does
    /// not count.
    pub attempts: u32,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { workers: 2, lease_ms: 60_000, poll_ms: 500, retry_ms: 1_000, attempts: 8 }
    }
}

impl JobsConfig {
    fn check(&self) -> Result<(), ConfigError> {
        rule(self.workers >= 1, "jobs.workers", "at least 1")?;
        rule(self.lease_ms >= 1_000, "jobs.lease_ms", "at least 1000")?;
        rule(self.poll_ms >= 1, "jobs.poll_ms", "at least 1")?;
        rule(self.retry_ms >= 1, "jobs.retry_ms", "at least 1")?;
        rule(self.attempts >= 1, "jobs.attempts", "at least 1")
    }
}

/// The log of everything recorded, and how long ciphertexts are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// The log's name, in every checkpoint: a URL without its scheme, never used for another log. If
    /// absent, it is made of the aggregator's key.
    pub origin: Option<String>,
    /// How often new entries get their index in the log.
    pub sequence_ms: u64,
    /// How often a checkpoint is signed, if there is anything new.
    pub checkpoint_ms: u64,
    /// Receipts promise that after this long a checkpoint covers the contribution.
    pub inclusion_delay_ms: u64,
    /// How long after a round's end its bodies, sealed seeds and proofs are kept for audits. Absent: for
    /// good.
    pub audit_window_ms: Option<u64>,
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self {
            origin: None,
            sequence_ms: 1_000,
            checkpoint_ms: 60_000,
            inclusion_delay_ms: 3_600_000,
            audit_window_ms: None,
        }
    }
}

impl RecordConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
        rule(
            self.origin.as_ref().is_none_or(|origin| !origin.is_empty() && origin.chars().all(plain)),
            "record.origin",
            "a name without spaces and plus signs",
        )?;
        rule(self.sequence_ms >= 10, "record.sequence_ms", "at least 10")?;
        rule(self.checkpoint_ms >= 10, "record.checkpoint_ms", "at least 10")?;
        let delay = self.sequence_ms.saturating_add(self.checkpoint_ms).saturating_mul(2);
        rule(
            self.inclusion_delay_ms >= delay,
            "record.inclusion_delay_ms",
            "at least twice sequence_ms and checkpoint_ms together",
        )
    }
}

/// How the service computes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ComputeConfig {
    /// The number of threads.
    pub threads: usize,
    /// The processor or a card, for the work that grows with the dimension.
    pub backend: BackendChoice,
    /// Memory for work on a card, in MiB, on the card and again on the host: at least 64.
    pub card_memory_mib: usize,
}

/// Where the work that grows with the dimension is done. Every choice gives the same words.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum BackendChoice {
    /// The processor.
    Cpu,
    /// A card. The service does not start without a working one. Needs the feature `cuda`.
    Cuda,
    /// A card if one works, otherwise the processor.
    Auto,
}

impl Default for ComputeConfig {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        Self { threads, backend: BackendChoice::Cpu, card_memory_mib: 128 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("aggregator.sample.toml")
    }

    #[test]
    fn the_sample_is_a_configuration() {
        let config: Config = kit::config::load(Some(&sample()), "AGGREGATOR_SAMPLE").unwrap();
        config.check().unwrap();
        assert_eq!(config.combiners.len(), 1);
        assert!(matches!(config.blobs, BlobsConfig::Local { .. }));
    }

    fn load(text: &str) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("aggregator.toml");
        std::fs::write(&path, text).unwrap();
        kit::config::load(Some(&path), "AGGREGATOR_SAMPLE")
    }

    /// The setting that is refused when the sample says `to` where it says `from`.
    fn refused(from: &str, to: &str) -> Option<&'static str> {
        let text = std::fs::read_to_string(sample()).unwrap();
        assert!(text.contains(from), "{from}");
        match load(&text.replace(from, to)).unwrap().check() {
            Ok(()) => None,
            Err(ConfigError::Rule { field, .. }) => Some(field),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn unknown_settings_and_impossible_values_are_refused() {
        let text = std::fs::read_to_string(sample()).unwrap();
        assert!(load(&format!("unknown = 1\n{text}")).is_err());
        for (from, to, broken) in [
            ("workers = 2", "workers = 0", "jobs.workers"),
            ("poll_ms = 500", "poll_ms = 0", "jobs.poll_ms"),
            ("retry_ms = 1000", "retry_ms = 0", "jobs.retry_ms"),
            ("max_connections = 16", "max_connections = 0", "database.max_connections"),
            ("max_in_flight = 256", "max_in_flight = 0", "listen.max_in_flight"),
            ("upload_idle_timeout_ms = 30000", "upload_idle_timeout_ms = 0", "limits.upload_idle_timeout_ms"),
            ("combiner_timeout_ms = 60000", "combiner_timeout_ms = 0", "limits.combiner_timeout_ms"),
        ] {
            assert_eq!(refused(from, to), Some(broken), "{to}");
        }
        let with_card = load(&text.replace(r#"backend = "cpu""#, r#"backend = "cuda""#)).unwrap();
        assert_eq!(with_card.compute.backend, BackendChoice::Cuda);
        assert_eq!(with_card.check().is_ok(), cfg!(feature = "cuda"));
    }

    #[test]
    fn the_service_token_goes_to_another_machine_under_tls_alone_unless_it_is_said_otherwise() {
        let url = |value: &str| refused(r#"url = "https://combiner.internal:8443""#, value);
        for good in ["https://10.0.0.1/under", "http://127.0.0.1:80", "http://localhost:1/", "http://[::1]:9"]
        {
            assert_eq!(url(&format!("url = \"{good}\"")), None, "{good}");
        }
        for bad in [
            "combiner.internal:8443",
            "combiner.internal",
            "",
            "ftp://localhost",
            "http://combiner.internal:8443",
            "http://10.0.0.1",
            "http://127.0.0.1.example.org",
            "https://combiner.internal?x=1",
        ] {
            assert_eq!(url(&format!("url = \"{bad}\"")), Some("combiners.url"), "{bad}");
        }
        assert_eq!(url("url = \"http://combiner\"\nallow_http = true"), None);
        assert_eq!(url("url = \"http://localhost\"\nca_file = \"ca.pem\""), Some("combiners.ca_file"));
    }
}
