//! Secrets outside the database, since a backup of the database would keep them. Each secret is a
//! file in a directory of its own.
//!
//! A vault is never backed up. Whatever happens to the database, a destroyed secret stays
//! destroyed, a commitment stays the only one under its name, and the last note is kept.

pub mod round_key;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use names::{Name, SetRoot};
use rand::{RngCore, rngs::OsRng};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::faults;

/// The reason why a vault refuses a call or fails.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A secret with this name exists already.
    #[error("a secret of this name exists")]
    Exists,
    /// Another root was committed to under this name.
    #[error("another root was committed to under this name")]
    Committed,
    /// The name is not 1 to 100 characters of `[A-Za-z0-9_-]`.
    #[error("a name has 1 to 100 letters, digits, hyphens and underscores")]
    Name,
    /// The file system fails.
    #[error("the vault's file system fails")]
    Io(#[from] io::Error),
}

faults!(VaultError);

const SECRET: &str = "key";
/// A secret that is being destroyed. No call reads a file with this ending, so bytes that are
/// overwritten in part are never taken for a secret.
const DOOMED: &str = "doomed";
const COMMITMENT: &str = "commit";
const NOTE: &str = "note";

/// A directory of secrets. Its functions block, except [`run`](Self::run). They return only when
/// their change is on disk.
#[derive(Clone, Debug)]
pub struct KeyVault {
    directory: PathBuf,
}

impl KeyVault {
    /// Opens the vault in `directory`. Creates the directory if it is missing. Lets only its owner
    /// read it. Finishes what earlier processes left unfinished.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, VaultError> {
        let directory = directory.into();
        fs::create_dir_all(&directory)?;
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        let vault = Self { directory };
        vault.remove_unfinished()?;
        vault.finish_destructions()?;
        Ok(vault)
    }

    /// Does `work` on a thread that may block.
    ///
    /// # Errors
    /// The errors of `work`, as faults.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, VaultError> + Send + 'static,
    ) -> crate::Result<T> {
        let vault = self.clone();
        Ok(tokio::task::spawn_blocking(move || work(&vault)).await??)
    }

    /// Stores a new secret.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::Name`], [`VaultError::Io`].
    pub fn create(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        if self.write_once(&self.path(name, SECRET)?, secret)? { Ok(()) } else { Err(VaultError::Exists) }
    }

    /// Loads the secret with this name. Returns `None` if there is none.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Io`].
    pub fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(read_if_there(&self.path(name, SECRET)?)?.map(Zeroizing::new))
    }

    /// Returns whether a secret with this name exists.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Io`].
    pub fn exists(&self, name: &str) -> Result<bool, VaultError> {
        Ok(self.path(name, SECRET)?.try_exists()?)
    }

    /// Lists the names of all secrets, and of those whose destruction is unfinished. The latter can
    /// only be destroyed again.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn list(&self) -> Result<Vec<String>, VaultError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if [SECRET, DOOMED].iter().any(|extension| path.extension().is_some_and(|e| e == *extension)) {
                names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Commits to `root` under this name, for ever. A second commitment to the same root succeeds.
    ///
    /// # Errors
    /// [`VaultError::Committed`], [`VaultError::Name`], [`VaultError::Io`].
    pub fn commit(&self, name: &str, root: SetRoot) -> Result<(), VaultError> {
        let path = self.path(name, COMMITMENT)?;
        if self.write_once(&path, root.as_bytes())? || fs::read(&path)? == root.as_bytes() {
            // Another writer may have named the file and not yet synchronised the directory.
            self.sync()?;
            return Ok(());
        }
        Err(VaultError::Committed)
    }

    /// Returns the root that was committed to under this name.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Io`].
    pub fn committed(&self, name: &str) -> Result<Option<SetRoot>, VaultError> {
        let Some(bytes) = read_if_there(&self.path(name, COMMITMENT)?)? else { return Ok(None) };
        let root = SetRoot::from_slice(&bytes).ok_or_else(|| io::Error::from(ErrorKind::InvalidData))?;
        Ok(Some(root))
    }

    /// Replaces the note with this name. A note is not secret.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Io`].
    pub fn note(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        let path = self.path(name, NOTE)?;
        let unfinished = self.write_unfinished(value)?;
        fs::rename(&unfinished, path)?;
        tracing::trace!("file replaced");
        self.sync()
    }

    /// Returns the last note with this name.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Io`].
    pub fn noted(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(read_if_there(&self.path(name, NOTE)?)?)
    }

    /// Overwrites and removes the secret with this name, if it exists. A commitment stays.
    ///
    /// The secret loses its name before its bytes change. After a failure at any step the secret
    /// therefore loads whole or not at all, and a second call or the next
    /// [`open`](Self::open) finishes the destruction.
    ///
    /// Overwriting gives no guarantee: copy-on-write file systems and flash storage may keep old
    /// blocks. A vault therefore belongs on an encrypted volume.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Io`].
    pub fn destroy(&self, name: &str) -> Result<(), VaultError> {
        let (secret, doomed) = (self.path(name, SECRET)?, self.path(name, DOOMED)?);
        // The renaming below would unlink what an earlier call left here, without overwriting it.
        overwrite_and_remove(&doomed)?;
        match fs::rename(secret, &doomed) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            renamed => {
                renamed?;
                tracing::trace!("secret renamed");
                self.sync()?;
            }
        }
        overwrite_and_remove(&doomed)?;
        self.sync()
    }

    fn path(&self, name: &str, extension: &str) -> Result<PathBuf, VaultError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=100).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(VaultError::Name);
        }
        Ok(self.directory.join(name).with_extension(extension))
    }

    /// Writes a complete file and then gives it its name. Returns `false` if the name is taken.
    fn write_once(&self, path: &Path, bytes: &[u8]) -> Result<bool, VaultError> {
        let unfinished = self.write_unfinished(bytes)?;
        let named = fs::hard_link(&unfinished, path);
        tracing::trace!("file named");
        fs::remove_file(&unfinished)?;
        match named {
            Ok(()) => self.sync().map(|()| true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a file under a temporary name.
    fn write_unfinished(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let unfinished = self.directory.join(format!("{:016x}.{UNFINISHED}", OsRng.next_u64()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        tracing::trace!("file written");
        if written.is_err() {
            fs::remove_file(&unfinished)?;
        }
        written.map(|()| unfinished)
    }

    /// Removes files whose process ended between writing and naming. Removes only old ones, since
    /// another running process may be writing new ones.
    fn remove_unfinished(&self) -> Result<(), VaultError> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.path().extension().is_none_or(|extension| extension != UNFINISHED) {
                continue;
            }
            // Another process may be finishing the file right now.
            let Some(metadata) = if_there(entry.metadata())? else { continue };
            if metadata.modified()?.elapsed().unwrap_or_default().as_secs() > 60 {
                if_there(fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    }

    /// Finishes destructions that failed or whose process ended. Another process that is at one of
    /// them comes to the same end.
    fn finish_destructions(&self) -> Result<(), VaultError> {
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == DOOMED) {
                overwrite_and_remove(&path)?;
                self.sync()?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), VaultError> {
        File::open(&self.directory)?.sync_all()?;
        tracing::trace!("directory synchronised");
        Ok(())
    }
}

const UNFINISHED: &str = "unfinished";

/// `None` if there is no such file.
fn if_there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

/// Overwrites a file with zeros and unlinks it. A missing file is not an error.
fn overwrite_and_remove(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all_at(&vec![0; length], 0)?;
    file.sync_all()?;
    tracing::trace!("secret overwritten");
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => tracing::trace!("secret removed"),
    }
    Ok(())
}

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    if_there(fs::read(path))
}
