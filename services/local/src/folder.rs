//! The folder of one service, with its secrets, its configuration, its vault and its log.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use names::PublicKey;
use protocol::{IdentityKey, Pins};
use zeroize::Zeroizing;

use crate::{
    error::{LocalError, Result},
    service::Service,
    settings::{Settings, quoted},
};

/// The folder of one service. Only its owner may read it.
#[derive(Clone, Debug)]
pub struct ServiceFolder {
    path: PathBuf,
}

impl ServiceFolder {
    /// Creates the folder of a service below `parent`. Writes the service's key and the service
    /// token into it.
    ///
    /// # Errors
    /// [`LocalError::Occupied`] if the folder exists, or [`LocalError::File`].
    pub fn create(
        parent: &Path,
        service: Service,
        identity: &IdentityKey,
        service_token: &str,
    ) -> Result<Self> {
        let path = parent.join(service.name());
        if path.exists() {
            return Err(LocalError::Occupied { path });
        }
        DirBuilder::new().mode(0o700).create(&path).map_err(LocalError::file(&path))?;
        let folder = Self { path };
        write_key(&folder.identity_file(), identity)?;
        write_secret(&folder.file("service-token"), service_token.as_bytes())?;
        Ok(folder)
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file or folder in this folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The path of the service's secret key.
    pub fn identity_file(&self) -> PathBuf {
        self.file("identity.key")
    }

    /// The path of the operator's token. It is in the aggregator's folder.
    pub fn admin_token_file(&self) -> PathBuf {
        self.file("admin-token")
    }

    /// The path of the vault, which holds the private keys of rounds.
    pub fn vault(&self) -> PathBuf {
        self.file("vault")
    }

    /// The path of the configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.file("config.toml")
    }

    /// The path of the service's log.
    pub fn log_file(&self) -> PathBuf {
        self.file("log")
    }

    /// The last `lines` lines of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let all: Vec<_> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// The file that receives the service's address once the service accepts requests.
    pub fn address_file(&self) -> PathBuf {
        self.file("address")
    }

    /// Writes the configuration file.
    ///
    /// # Errors
    /// [`LocalError::File`].
    pub fn configure(&self, settings: &Settings) -> Result<()> {
        write_secret(&self.config_file(), settings.to_string().as_bytes())
    }

    /// The settings of a combiner that uses this database and trusts these keys.
    pub fn combiner_settings(&self, database_url: &str, pins: &Pins) -> Settings {
        let mut settings = self.common_settings(database_url);
        settings.set_text("policy.aggregator_key", pins.aggregator);
        settings.set_text("policy.registrar_key", pins.registrar);
        settings
    }

    /// Writes the operator's token to the file that
    /// [`aggregator_settings`](Self::aggregator_settings) names.
    ///
    /// # Errors
    /// [`LocalError::File`].
    pub fn write_admin_token(&self, token: &str) -> Result<()> {
        write_secret(&self.admin_token_file(), token.as_bytes())
    }

    /// The settings of an aggregator that uses this database. `combiner_urls` has the order of the
    /// pinned keys.
    pub fn aggregator_settings(&self, database_url: &str, pins: &Pins, combiner_urls: &[String]) -> Settings {
        let mut settings = self.common_settings(database_url);
        settings.set_text("registrar_key", pins.registrar);
        settings.set_secret_file("admin_token", self.admin_token_file().display());
        settings.set_text("blobs.local.path", self.file("blobs").display());
        let combiner = |(url, key): (&String, &PublicKey)| {
            format!("{{ url = {}, identity_key = \"{key}\" }}", quoted(url))
        };
        let combiners: Vec<_> = combiner_urls.iter().zip(&pins.combiners).map(combiner).collect();
        settings.set("combiners", format_args!("[{}]", combiners.join(", ")));
        settings
    }

    fn common_settings(&self, database_url: &str) -> Settings {
        let mut settings = Settings::default();
        settings
            .set_secret_file("identity_key", self.identity_file().display())
            .set_secret_file("service_token", self.file("service-token").display())
            .set_text("vault", self.vault().display())
            .set_text("listen.addr", "127.0.0.1:0")
            .set_text("listen.port_file", self.address_file().display())
            .set_text("database.url", database_url);
        settings
    }
}

fn write_key(path: &Path, key: &IdentityKey) -> Result<()> {
    let text = Zeroizing::new(format!("{}\n", hex::encode(key.secret().as_bytes())));
    write_secret(path, text.as_bytes())
}

/// Writes a new file that only its owner can read.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
    };
    write().map_err(LocalError::file(path))
}
