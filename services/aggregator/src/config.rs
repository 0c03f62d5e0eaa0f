//! The configuration of an aggregator. `aggregator.sample.toml` beside this crate shows each
//! section.

use std::{net::IpAddr, path::PathBuf};

use kit::config::{ConfigError, DatabaseConfig, ListenConfig, LogConfig, Secret, rule};
use names::PublicKey;
use reqwest::Url;
use serde::Deserialize;

/// The configuration of an aggregator. Each field is a section or a setting of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address, the limits and the time-outs of the HTTP server.
    #[serde(default)]
    pub listen: ListenConfig,
    /// The connection to PostgreSQL.
    pub database: DatabaseConfig,
    /// The form of log lines.
    #[serde(default)]
    pub log: LogConfig,
    /// The Ed25519 secret key, as 64 hexadecimal digits.
    pub identity_key: Secret,
    /// The directory of the rounds' private keys. It must never be backed up.
    pub vault: PathBuf,
    /// The object store for bodies, models and sums.
    pub blobs: BlobsConfig,
    /// The combiners, in the order of their index among the holders: 1 to 7.
    pub combiners: Vec<CombinerConfig>,
    /// The Ed25519 public key of the only registrar whose credentials are accepted.
    pub registrar_key: PublicKey,
    /// The bearer token that the operator must present.
    pub admin_token: Secret,
    /// The bearer token that the aggregator presents to the combiners.
    pub service_token: Secret,
    /// The limits on requests.
    #[serde(default)]
    pub limits: Limits,
    /// The leases of jobs.
    #[serde(default)]
    pub jobs: JobsConfig,
    /// The threads and the backend that compute.
    #[serde(default)]
    pub compute: ComputeConfig,
    /// The most milliseconds that a closed round waits until its stored contributions are verified.
    #[serde(default = "default_settle_ms")]
    pub settle_ms: u64,
    /// The log over the record, and the audit window.
    #[serde(default)]
    pub record: RecordConfig,
}

fn default_settle_ms() -> u64 {
    60_000
}

impl Config {
    /// Checks the rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first broken rule.
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
    /// A directory. Everything written to it is synchronised to the disk.
    Local {
        /// The path of the directory. It is created if it is missing.
        path: PathBuf,
    },
    /// A bucket of an S3-compatible store. The credentials come from the environment
    /// (`AWS_ACCESS_KEY_ID` and others).
    S3 {
        /// The name of the bucket.
        bucket: String,
        /// The region of the bucket.
        region: String,
        /// The endpoint. `None` stands for Amazon's endpoint.
        endpoint: Option<String>,
        /// A prefix of all object names in the bucket.
        #[serde(default)]
        prefix: String,
    },
}

/// The address and the key of one combiner.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CombinerConfig {
    /// The base URL, `https://host[:port]`. Plain `http` is allowed only to this machine.
    pub url: String,
    /// The combiner's Ed25519 public key.
    pub identity_key: PublicKey,
    /// A PEM file of certificate authorities that are trusted in addition to those of the operating
    /// system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Allows plain `http` to another machine, for networks that encrypt by themselves. Anyone on
    /// the network's path can read the service token.
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

    /// Returns whether certificates are verified with those of the operating system.
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

/// The limits on requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The number of slots: uploads that are received at the same time.
    pub concurrent_uploads: usize,
    /// The most uploads that wait for a slot. Further uploads are refused with status 429.
    pub waiting_uploads: usize,
    /// The most milliseconds that an upload waits for a slot. Then it is refused with status 429.
    pub upload_wait_ms: u64,
    /// The most milliseconds without a byte of an upload. Then the upload is refused.
    pub upload_idle_timeout_ms: u64,
    /// The most bytes of a model.
    pub max_model_bytes: u64,
    /// The most bytes of a request to create a round.
    pub max_request_bytes: usize,
    /// The most coordinates of an update.
    pub max_dimension: u64,
    /// The most milliseconds until a combiner must have answered.
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

/// The leases of jobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// The most jobs that this process works on at the same time.
    pub workers: usize,
    /// The milliseconds after which another worker may take the job of a worker that has stopped.
    pub lease_ms: u64,
    /// The milliseconds after which a worker without a job looks for one again.
    pub poll_ms: u64,
    /// The pause after the first failed attempt, in milliseconds. Each further pause is twice as
    /// long.
    pub retry_ms: u64,
    /// The failed attempts after which a job is given up, and its round with it. Waiting for a
    /// combiner does not count.
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

/// The log over the record, and the audit window.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// The name of the log, which is in every checkpoint. It is a URL without its scheme and must
    /// never name another log. Without it, the name is derived from the aggregator's key.
    pub origin: Option<String>,
    /// The interval, in milliseconds, at which new entries get their index in the log.
    pub sequence_ms: u64,
    /// The interval, in milliseconds, at which a checkpoint is signed if there are new entries.
    pub checkpoint_ms: u64,
    /// The milliseconds after which a checkpoint must cover the contribution. Receipts promise this
    /// time.
    pub inclusion_delay_ms: u64,
    /// The milliseconds for which bodies, sealed seeds and proofs are kept for audits after the end
    /// of their round. Without it they are kept for ever.
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

/// The threads and the backend that compute.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ComputeConfig {
    /// The number of threads that compute.
    pub threads: usize,
    /// The backend for the work that grows with the dimension.
    pub backend: BackendChoice,
    /// The memory for work on a card in MiB, on the card and again on the host. At least 64.
    pub card_memory_mib: usize,
}

/// The backend for the work that grows with the dimension. Every choice gives the same words.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum BackendChoice {
    /// The processor.
    Cpu,
    /// A card. The service does not start without a working card. Needs the feature `cuda`.
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

    /// Replaces `from` in the sample by `to`. Returns the setting that is then refused.
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
