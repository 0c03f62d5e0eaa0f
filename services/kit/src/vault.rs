//! Secrets outside the database, since a backup of the database would keep them. Each secret is a
//! file in a directory of its own.
//!
//! A vault is never backed up. Whatever happens to the database, a destroyed secret stays
//! destroyed, a commitment stays the only one under its name, and the last note is kept.

pub mod round_key;

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
    /// read it.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, VaultError> {
        let directory = directory.into();
        fs::create_dir_all(&directory)?;
        fs::set_permissions(&directory, Permissions::from_mode(0o700))?;
        let vault = Self { directory };
        vault.remove_unfinished()?;
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

    /// Lists the names of all secrets.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn list(&self) -> Result<Vec<String>, VaultError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == SECRET) {
                names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
            }
        }
        names.sort();
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
    /// Overwriting gives no guarantee: copy-on-write file systems and flash storage may keep old
    /// blocks. A vault therefore belongs on an encrypted volume.
    ///
    /// # Errors
    /// [`VaultError::Name`], [`VaultError::Io`].
    pub fn destroy(&self, name: &str) -> Result<(), VaultError> {
        let path = self.path(name, SECRET)?;
        match OpenOptions::new().write(true).open(&path) {
            Ok(file) => {
                let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
                file.write_all_at(&vec![0; length], 0)?;
                file.sync_all()?;
                tracing::trace!("secret overwritten");
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => tracing::trace!("secret removed"),
        }
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
            let unfinished = entry.path().extension().is_some_and(|extension| extension == UNFINISHED);
            if unfinished && entry.metadata()?.modified()?.elapsed().unwrap_or_default().as_secs() > 60 {
                fs::remove_file(entry.path())?;
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

fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> (tempfile::TempDir, KeyVault) {
        let directory = tempfile::tempdir().unwrap();
        let vault = KeyVault::open(directory.path().join("vault")).unwrap();
        (directory, vault)
    }

    #[test]
    fn a_secret_is_kept_once_and_readable_to_its_owner_alone() {
        let (_directory, vault) = vault();
        vault.create("round-1", b"secret").unwrap();
        assert!(matches!(vault.create("round-1", b"other"), Err(VaultError::Exists)));
        assert_eq!(vault.load("round-1").unwrap().unwrap().as_slice(), b"secret");
        assert_eq!(vault.load("round-2").unwrap(), None);
        assert_eq!(vault.list().unwrap(), ["round-1"]);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&vault.directory), 0o700);
        assert_eq!(mode(&vault.directory.join("round-1.key")), 0o600);
        assert_eq!(fs::read_dir(&vault.directory).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn a_destroyed_secret_is_gone_and_its_commitment_stays() {
        let (_directory, vault) = vault();
        vault.create("round", b"secret").unwrap();
        let second_name = vault.directory.join("second-name");
        fs::hard_link(vault.directory.join("round.key"), &second_name).unwrap();
        vault.commit("round", [1; 32].into()).unwrap();
        vault.destroy("round").unwrap();
        vault.destroy("round").unwrap();
        assert!(!vault.exists("round").unwrap());
        assert_eq!(fs::read(second_name).unwrap(), [0; 6], "the blocks were overwritten");
        assert_eq!(vault.committed("round").unwrap(), Some([1; 32].into()));
    }

    #[test]
    fn a_commitment_is_to_one_value_for_ever() {
        let (_directory, vault) = vault();
        vault.commit("round", [1; 32].into()).unwrap();
        vault.commit("round", [1; 32].into()).unwrap();
        assert!(matches!(vault.commit("round", [2; 32].into()), Err(VaultError::Committed)));
        let reopened = KeyVault::open(&vault.directory).unwrap();
        assert!(matches!(reopened.commit("round", [2; 32].into()), Err(VaultError::Committed)));
        assert_eq!(reopened.committed("round").unwrap(), Some([1; 32].into()));
    }

    #[test]
    fn of_many_commitments_at_once_one_wins() {
        let (_directory, vault) = vault();
        let wins = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..16)
                .map(|i| {
                    let vault = &vault;
                    scope.spawn(move || vault.commit("round", [i; 32].into()).is_ok())
                })
                .collect();
            tries.into_iter().filter(|_| true).map(|handle| handle.join().unwrap()).filter(|&won| won).count()
        });
        assert_eq!(wins, 1);
    }

    #[test]
    fn the_last_note_stays() {
        let (_directory, vault) = vault();
        assert_eq!(vault.noted("head").unwrap(), None);
        vault.note("head", b"first").unwrap();
        vault.note("head", b"second, longer").unwrap();
        assert_eq!(vault.noted("head").unwrap().unwrap(), b"second, longer");
        assert!(vault.list().unwrap().is_empty(), "a note is no secret");
        assert_eq!(fs::read_dir(&vault.directory).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn names_cannot_leave_the_directory() {
        let (_directory, vault) = vault();
        for name in ["", "../x", "a/b", "a.b", "é", &"a".repeat(101)] {
            assert!(matches!(vault.create(name, b"secret"), Err(VaultError::Name)), "{name:?}");
        }
    }
}
