//! Key files and credential files. A key file has an Ed25519 secret in 64 hexadecimal digits. A
//! credential file has the canonical encoding in hexadecimal.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use names::SecretKey;
use protocol::{Canonical, Credential, IdentityKey};
use zeroize::Zeroizing;

use crate::error::{CommandError, Result};

/// Writes a key to a new file that only its owner can read. Never overwrites a file.
pub(crate) fn write_key(path: &Path, key: &IdentityKey) -> Result<()> {
    let text = Zeroizing::new(format!("{}\n", hex::encode(key.secret().as_bytes())));
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(CommandError::file(path))
}

pub(crate) fn read_key(path: &Path) -> Result<IdentityKey> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(CommandError::file(path))?);
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), &mut *secret)
        .map_err(|_| CommandError::input(path, "does not hold 64 hexadecimal digits"))?;
    Ok(IdentityKey::from_secret(&SecretKey::from_bytes(*secret)))
}

pub(crate) fn read_credential(path: &Path) -> Result<Credential> {
    let text = fs::read_to_string(path).map_err(CommandError::file(path))?;
    let bytes = hex::decode(text.trim()).map_err(|_| CommandError::input(path, "is not hexadecimal"))?;
    Credential::from_bytes(&bytes).map_err(|_| CommandError::input(path, "does not hold a credential"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_written_once_for_its_owner_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = IdentityKey::generate(&mut rand::rngs::OsRng);
        write_key(&path, &key).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_key(&path).unwrap().public(), key.public());
        assert!(matches!(write_key(&path, &key), Err(CommandError::File { .. })));
        fs::write(&path, "abcd").unwrap();
        assert!(matches!(read_key(&path), Err(CommandError::Input { .. })));
    }
}
