//! The list of the updates that were sent, with the round of each.
//!
//! No update is sent in a second round. If two sets were the same except for one update,
//! subtracting their sums would isolate that update. In the same round, the update may be masked
//! again under a new key after a rejection.
//!
//! Each update has a file, named by the SHA-256 of its coordinates, that holds the round hash. The
//! file is made when a message with the update is put into the outbox, and not
//! before ([`crate::outbox`]). The files are never deleted. Anyone who can read them, and has an
//! update, can tell whether it was sent.

use std::{fs, io, path::PathBuf};

use names::{Name, RoundHash, UpdateDigest};
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

    /// Records on disk that an update belongs to this round. Of several rounds that claim an update
    /// at once, also in several processes, one gets it.
    ///
    /// # Errors
    /// [`ClientError::AlreadySent`] when the update belongs to another round.
    pub(crate) fn claim(&self, update: &UpdateDigest, round_hash: &RoundHash) -> Result<(), ClientError> {
        let name = update.to_string();
        let written = private_file::write_new(&self.folder, &name, round_hash.as_bytes());
        if written.map_err(ClientError::state(self.folder.join(name)))? {
            Ok(())
        } else {
            self.check(update, round_hash)
        }
    }

    /// Checks that an update belongs to no other round.
    ///
    /// # Errors
    /// [`ClientError::AlreadySent`] when it does.
    pub(crate) fn check(&self, update: &UpdateDigest, round_hash: &RoundHash) -> Result<(), ClientError> {
        match self.round_of(update)? {
            Some(earlier) if earlier != *round_hash => Err(ClientError::AlreadySent { round_hash: earlier }),
            _ => Ok(()),
        }
    }

    /// The round to which an update belongs. A damaged file names a round that does not exist.
    pub(crate) fn round_of(&self, update: &UpdateDigest) -> Result<Option<RoundHash>, ClientError> {
        let path = self.folder.join(update.to_string());
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(RoundHash::from_slice(&bytes).unwrap_or(RoundHash::from_bytes([0; 32])))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClientError::state(path)(error)),
        }
    }
}

/// The name of an update in the list.
pub(crate) fn digest(update: &[f32]) -> UpdateDigest {
    let mut hasher = Sha256::new();
    update.iter().for_each(|x| hasher.update(x.to_le_bytes()));
    UpdateDigest::from_bytes(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(number: u8) -> RoundHash {
        RoundHash::from_bytes([number; 32])
    }

    #[test]
    fn an_update_belongs_to_one_round_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || SentUpdates::new(folder.path().join("sent"));
        let (update, other) = (digest(&[1.0, -2.0]), digest(&[1.0, -2.5]));
        let sent = open();
        sent.check(&update, &round(1)).unwrap();
        sent.claim(&update, &round(1)).unwrap();
        sent.claim(&update, &round(1)).unwrap();
        sent.claim(&other, &round(2)).unwrap();
        for refused in [open().claim(&update, &round(2)), open().check(&update, &round(2))] {
            assert!(
                matches!(refused, Err(ClientError::AlreadySent { round_hash }) if round_hash == round(1))
            );
        }
        fs::write(folder.path().join("sent").join(update.to_string()), b"damaged").unwrap();
        assert!(matches!(open().claim(&update, &round(1)), Err(ClientError::AlreadySent { .. })));
    }

    /// Each claim has a list of its own, as if each were another process.
    #[test]
    fn of_many_rounds_that_claim_an_update_at_once_one_gets_it() {
        for attempt in 0..50_u8 {
            let folder = tempfile::tempdir().unwrap();
            let update = digest(&[f32::from(attempt)]);
            let claim = |number| SentUpdates::new(folder.path().join("sent")).claim(&update, &round(number));
            let barrier = std::sync::Barrier::new(8);
            let got: Vec<u8> = std::thread::scope(|scope| {
                let claims: Vec<_> = (1..=8)
                    .map(|number| {
                        let (barrier, claim) = (&barrier, &claim);
                        scope.spawn(move || {
                            barrier.wait();
                            claim(number).is_ok().then_some(number)
                        })
                    })
                    .collect();
                claims.into_iter().filter_map(|claim| claim.join().unwrap()).collect()
            });
            let owner = SentUpdates::new(folder.path().join("sent")).round_of(&update).unwrap().unwrap();
            assert_eq!(got.iter().map(|&number| round(number)).collect::<Vec<_>>(), [owner]);
        }
    }
}
