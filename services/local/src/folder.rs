//! The folder of one service: its secrets, its configuration, its vault, its log.

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

/// The folder of one service. Only its owner may look inside.
#[derive(Clone, Debug)]
pub struct ServiceFolder {
    path: PathBuf,
}

impl ServiceFolder {
    /// Makes the folder of a service below `parent`, with the service's key and the services'
    /// token.
    ///
    /// # Errors
    /// [`LocalError::Occupied`] if there is one; [`LocalError::File`].
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The service's secret key.
    pub fn identity_file(&self) -> PathBuf {
        self.file("identity.key")
    }

    /// The file with the operator's token, in the aggregator's folder.
    pub fn admin_token_file(&self) -> PathBuf {
        self.file("admin-token")
    }

    /// The folder of the private keys of rounds.
    pub fn vault(&self) -> PathBuf {
        self.file("vault")
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.file("config.toml")
    }

    /// The file to which the service logs.
    pub fn log_file(&self) -> PathBuf {
        self.file("log")
    }

    /// The end of the log.
    pub fn log_tail(&self, lines: usize) -> String {
        let log = fs::read_to_string(self.log_file()).unwrap_or_default();
        let all: Vec<_> = log.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// The file to which the service writes its address once it accepts requests.
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

    /// The settings of a combiner with this database, which trusts these keys.
    pub fn combiner_settings(&self, database_url: &str, pins: &Pins) -> Settings {
        let mut settings = self.common_settings(database_url);
        settings.set_text("policy.aggregator_key", pins.aggregator);
        settings.set_text("policy.registrar_key", pins.registrar);
        settings
    }

    /// Writes the operator's token, which [`aggregator_settings`](Self::aggregator_settings) name.
    ///
    /// # Errors
    /// [`LocalError::File`].
    pub fn write_admin_token(&self, token: &str) -> Result<()> {
        write_secret(&self.admin_token_file(), token.as_bytes())
    }

    /// The settings of an aggregator with this database. `combiner_urls` are in the order of the
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

/// Writes a new file that only its owner reads.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
    };
    write().map_err(LocalError::file(path))
}
