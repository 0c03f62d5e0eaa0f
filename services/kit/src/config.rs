//! Configuration from a TOML file and the environment.

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use names::SecretKey;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{auth::BearerToken, error::faults, telemetry::LogFormat};

/// The reason why a configuration is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file or an environment variable does not have the documented form.
    #[error("the configuration is not of the documented form")]
    Form(#[source] Box<figment::Error>),
    /// A file that the configuration names cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// A value breaks a rule.
    #[error("{field}: {rule}")]
    Rule {
        /// The name of the setting.
        field: &'static str,
        /// What the rule demands.
        rule: &'static str,
    },
}

faults!(ConfigError);

/// Checks a rule about the setting `field`.
///
/// # Errors
/// [`ConfigError::Rule`] unless `holds`.
pub fn rule(holds: bool, field: &'static str, rule: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Rule { field, rule }) }
}

/// Reads `file`, if one is given, and then the variables `PREFIX__SECTION__KEY`, which override it.
///
/// # Errors
/// [`ConfigError::File`] or [`ConfigError::Form`].
pub fn load<T: DeserializeOwned>(file: Option<&Path>, env_prefix: &str) -> Result<T, ConfigError> {
    let mut figment = Figment::new();
    if let Some(path) = file {
        let text =
            fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.into(), source })?;
        figment = figment.merge(Toml::string(&text));
    }
    let environment = Env::prefixed(&format!("{env_prefix}__")).split("__");
    figment.merge(environment).extract().map_err(|error| ConfigError::Form(Box::new(error)))
}

/// A secret, either as text or as `{ file = "…" }`. Text belongs only in the environment.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a quoted string or { file = \"path\" }")]
pub enum Secret {
    /// The text of the secret.
    Text(#[serde(deserialize_with = "zeroizing")] Zeroizing<String>),
    /// The file that holds the secret. White space at the end of the file is ignored.
    File {
        /// The path of the file.
        file: PathBuf,
    },
}

impl Secret {
    /// Makes a secret from its text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// Names the file that holds the secret.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File { file: path.into() }
    }

    /// Reads the text of the secret.
    ///
    /// # Errors
    /// [`ConfigError::File`].
    pub fn read(&self) -> Result<Zeroizing<String>, ConfigError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File { file: path } => {
                let text = fs::read_to_string(path).map(Zeroizing::new);
                let text = text.map_err(|source| ConfigError::File { path: path.clone(), source })?;
                Ok(Zeroizing::new(text.trim_end().to_owned()))
            }
        }
    }

    /// Reads the secret as an Ed25519 key in hexadecimal digits.
    ///
    /// # Errors
    /// [`ConfigError::File`], or [`ConfigError::Rule`] that names `field`.
    pub fn read_key(&self, field: &'static str) -> Result<SecretKey, ConfigError> {
        let mut key = Zeroizing::new([0; 32]);
        let rule = ConfigError::Rule { field, rule: "expected 64 hexadecimal digits" };
        hex::decode_to_slice(&**self.read()?, &mut key[..]).map_err(|_| rule)?;
        Ok(SecretKey::from_bytes(*key))
    }

    /// Reads the secret as a token that callers must present.
    ///
    /// # Errors
    /// [`ConfigError::File`], or [`ConfigError::Rule`] that names `field`.
    pub fn read_token(&self, field: &'static str) -> Result<BearerToken, ConfigError> {
        let rule = ConfigError::Rule { field, rule: "a token has at least 16 bytes" };
        BearerToken::new(self.read()?).ok_or(rule)
    }
}

fn zeroizing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Secret(redacted)"),
            Self::File { file } => write!(f, "Secret({})", file.display()),
        }
    }
}

/// Section `listen`: the address, the limits and the time-outs of the HTTP server.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// The address and the port. Port 0 takes a free port.
    pub addr: SocketAddr,
    /// The certificate and its key. Without them the service speaks plain HTTP.
    pub tls: Option<TlsConfig>,
    /// A file that receives the bound address once the service accepts requests.
    pub port_file: Option<PathBuf>,
    /// The most requests that are answered at the same time. Further requests are refused with
    /// status 429.
    pub max_in_flight: usize,
    /// The most milliseconds until the answer to a request starts.
    pub request_timeout_ms: u64,
    /// The same limit for `PUT` requests, which carry uploads.
    pub upload_timeout_ms: u64,
    /// The most milliseconds that requests in progress may still take after a signal to stop.
    pub drain_timeout_ms: u64,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            port_file: None,
            max_in_flight: 256,
            request_timeout_ms: 60_000,
            upload_timeout_ms: 3_600_000,
            drain_timeout_ms: 20_000,
        }
    }
}

impl ListenConfig {
    /// Checks the rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first broken rule.
    pub fn check(&self) -> Result<(), ConfigError> {
        rule((1..=1 << 20).contains(&self.max_in_flight), "listen.max_in_flight", "1 to 1048576")?;
        rule(self.request_timeout_ms >= 1, "listen.request_timeout_ms", "at least 1")?;
        rule(self.upload_timeout_ms >= 1, "listen.upload_timeout_ms", "at least 1")
    }
}

/// The PEM files of a server's certificate chain and of its private key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The chain. The server's own certificate comes first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Section `database`: the connection to PostgreSQL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The URL `postgres://role:password@host/database`. It is a secret because of the password.
    pub url: Secret,
    /// The most connections that the pool keeps.
    #[serde(default = "DatabaseConfig::max_connections")]
    pub max_connections: u32,
    /// The most milliseconds that a request waits for a connection, which may be a new one.
    #[serde(default = "DatabaseConfig::acquire_timeout_ms")]
    pub acquire_timeout_ms: u64,
    /// The most milliseconds that a statement may run before the database ends it. 0 sets no limit.
    #[serde(default = "DatabaseConfig::statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// The most milliseconds that a transaction may be idle before the database ends it. 0 sets no
    /// limit.
    #[serde(default = "DatabaseConfig::idle_in_transaction_timeout_ms")]
    pub idle_in_transaction_timeout_ms: u64,
}

impl DatabaseConfig {
    /// The default settings with this URL.
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            max_connections: Self::max_connections(),
            acquire_timeout_ms: Self::acquire_timeout_ms(),
            statement_timeout_ms: Self::statement_timeout_ms(),
            idle_in_transaction_timeout_ms: Self::idle_in_transaction_timeout_ms(),
        }
    }

    /// Checks the rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first broken rule.
    pub fn check(&self) -> Result<(), ConfigError> {
        rule(self.max_connections >= 1, "database.max_connections", "at least 1")?;
        rule(self.acquire_timeout_ms >= 1, "database.acquire_timeout_ms", "at least 1")
    }

    fn max_connections() -> u32 {
        16
    }

    fn acquire_timeout_ms() -> u64 {
        5_000
    }

    fn statement_timeout_ms() -> u64 {
        30_000
    }

    fn idle_in_transaction_timeout_ms() -> u64 {
        30_000
    }
}

/// Section `log`: the form of log lines.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// The form of log lines. The environment variable `RUST_LOG` selects which lines are written.
    pub format: LogFormat,
}
