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

/// Why a configuration is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file or variable does not have the documented form.
    #[error("the configuration is not of the documented form")]
    Form(#[source] Box<figment::Error>),
    /// A file that the configuration names cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A value breaks a rule.
    #[error("{field}: {rule}")]
    Rule {
        /// The setting.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

faults!(ConfigError);

/// Checks a rule about `field`.
///
/// # Errors
/// [`ConfigError::Rule`] unless it `holds`.
pub fn rule(holds: bool, field: &'static str, rule: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Rule { field, rule }) }
}

/// Reads `file`, if given, and then the variables `PREFIX__SECTION__KEY`, which win.
///
/// # Errors
/// [`ConfigError::File`], [`ConfigError::Form`].
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

/// A secret: its text, which belongs only in the environment, or `{ file = "…" }`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a quoted string or { file = \"path\" }")]
pub enum Secret {
    /// The secret itself.
    Text(#[serde(deserialize_with = "zeroizing")] Zeroizing<String>),
    /// The file that holds it. White space at its end does not count.
    File {
        /// The path.
        file: PathBuf,
    },
}

impl Secret {
    /// The secret with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// The secret in this file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File { file: path.into() }
    }

    /// The secret's text.
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

    /// The secret as an Ed25519 key, in hexadecimal.
    ///
    /// # Errors
    /// [`ConfigError::File`]; [`ConfigError::Rule`] naming `field`.
    pub fn read_key(&self, field: &'static str) -> Result<SecretKey, ConfigError> {
        let mut key = Zeroizing::new([0; 32]);
        let rule = ConfigError::Rule { field, rule: "expected 64 hexadecimal digits" };
        hex::decode_to_slice(&**self.read()?, &mut key[..]).map_err(|_| rule)?;
        Ok(SecretKey::from_bytes(*key))
    }

    /// The secret as a token for callers to present.
    ///
    /// # Errors
    /// [`ConfigError::File`]; [`ConfigError::Rule`] naming `field`.
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

/// Section `listen`: where and how requests are accepted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenConfig {
    /// Address and port; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Certificate and key; without them the service speaks plain HTTP.
    pub tls: Option<TlsConfig>,
    /// A file to which the bound address is written once requests are accepted.
    pub port_file: Option<PathBuf>,
    /// Requests answered at the same time. Further ones are refused with 429.
    pub max_in_flight: usize,
    /// How long a request may take until its answer starts.
    pub request_timeout_ms: u64,
    /// The same for `PUT` requests, which carry uploads.
    pub upload_timeout_ms: u64,
    /// How long requests in progress may still take after a signal to stop.
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
    /// Rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first rule broken.
    pub fn check(&self) -> Result<(), ConfigError> {
        rule((1..=1 << 20).contains(&self.max_in_flight), "listen.max_in_flight", "1 to 1048576")?;
        rule(self.request_timeout_ms >= 1, "listen.request_timeout_ms", "at least 1")?;
        rule(self.upload_timeout_ms >= 1, "listen.upload_timeout_ms", "at least 1")
    }
}

/// PEM files of a server's certificate chain and private key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The chain, the server's certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Section `database`: how to reach PostgreSQL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://role:password@host/database`; a secret because of the password.
    pub url: Secret,
    /// Connections kept at most.
    #[serde(default = "DatabaseConfig::max_connections")]
    pub max_connections: u32,
    /// How long a request waits for a connection, a new one included.
    #[serde(default = "DatabaseConfig::acquire_timeout_ms")]
    pub acquire_timeout_ms: u64,
    /// How long a statement may run before the database ends it. 0 is for ever.
    #[serde(default = "DatabaseConfig::statement_timeout_ms")]
    pub statement_timeout_ms: u64,
    /// How long a transaction may be idle before the database ends it. 0 is for ever.
    #[serde(default = "DatabaseConfig::idle_in_transaction_timeout_ms")]
    pub idle_in_transaction_timeout_ms: u64,
}

impl DatabaseConfig {
    /// The defaults, for this URL.
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            max_connections: Self::max_connections(),
            acquire_timeout_ms: Self::acquire_timeout_ms(),
            statement_timeout_ms: Self::statement_timeout_ms(),
            idle_in_transaction_timeout_ms: Self::idle_in_transaction_timeout_ms(),
        }
    }

    /// Rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first rule broken.
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

/// Section `log`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// How lines are written. `RUST_LOG` decides which are.
    pub format: LogFormat,
}
