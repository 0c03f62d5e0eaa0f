//! The list of the updates that were sent, with the round of each.
//!
//! No update is sent in a second round. If two sets were the same except for one update,
//! subtracting their sums would isolate that update. In the same round, the update may be masked
//! again under a new key after a rejection.
//!
//! Each update has a file, named by the SHA-256 of its coordinates, that holds the round hash. The
//! files are never deleted. Anyone who can read them, and has an update, can tell whether it was
//! sent.

use std::{fs, io, path::PathBuf};

use names::{Name, RoundHash};
use sha2::{Digest, Sha256};

use crate::{ClientError, private_file};

#[derive(Clone, Debug)]
pub(crate) struct SentUpdates {
    folder: PathBuf,
}

impl SentUpdates {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Records on disk that `update` is about to be sent in this round.
    ///
    /// # Errors
    /// [`ClientError::AlreadySent`] when the update was recorded for another round.
    pub(crate) fn record(&self, update: &[f32], round_hash: &RoundHash) -> Result<(), ClientError> {
        let name = hex::encode(digest(update));
        let path = self.folder.join(&name);
        match fs::read(&path) {
            Ok(earlier) if earlier == round_hash.as_bytes() => Ok(()),
            Ok(earlier) => {
                let round_hash = RoundHash::from_slice(&earlier).unwrap_or(RoundHash::from_bytes([0; 32]));
                Err(ClientError::AlreadySent { round_hash })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                private_file::write(&self.folder, &name, round_hash.as_bytes())
                    .map_err(ClientError::state(path))
            }
            Err(error) => Err(ClientError::state(path)(error)),
        }
    }
}

fn digest(update: &[f32]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    update.iter().for_each(|x| hasher.update(x.to_le_bytes()));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_belongs_to_one_round_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || SentUpdates::new(folder.path().join("sent"));
        let round = |number| RoundHash::from_bytes([number; 32]);
        let sent = open();
        sent.record(&[1.0, -2.0], &round(1)).unwrap();
        sent.record(&[1.0, -2.0], &round(1)).unwrap();
        sent.record(&[1.0, -2.5], &round(2)).unwrap();
        let refused = open().record(&[1.0, -2.0], &round(2));
        assert!(matches!(refused, Err(ClientError::AlreadySent { round_hash }) if round_hash == round(1)));
    }
}
