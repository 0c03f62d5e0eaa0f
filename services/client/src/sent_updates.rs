//! The list of the updates that were sent, with the round of each.
//!
//! No update is sent in a second round. If two sets were the same except for one update,
//! subtracting their sums would isolate that update. In the same round, the update may be masked
//! again under a new key after a rejection.
//!
//! Each update has a file, named by the SHA-256 of its coordinates, that holds the round's id and
//! hash. The file is made when a message with the update is put into the outbox, and not
//! before ([`crate::outbox`]). The files are never deleted. Anyone who can read them, and has an
//! update, can tell whether it was sent.
//!
//! A round may end without a release. If all its combiners have signed that nothing of it was
//! released, the update is lifted from it, and may be sent in one further round.

use std::{fs, io, path::PathBuf};

use names::{Name, RoundHash, RoundId, UpdateDigest};
use protocol::VerifiedRound;
use sha2::{Digest, Sha256};

use crate::{ClientError, private_file};

/// The round to which an update belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) round_id: RoundId,
    pub(crate) round_hash: RoundHash,
}

impl Owner {
    pub(crate) fn of(round: &VerifiedRound) -> Self {
        Self { round_id: round.document().round_id, round_hash: *round.hash() }
    }

    /// The bytes of a file. A damaged one names a round that does not exist.
    fn read(bytes: &[u8]) -> Self {
        let (id, hash) = bytes.split_at(RoundId::LENGTH.min(bytes.len()));
        match (RoundId::from_slice(id), RoundHash::from_slice(hash)) {
            (Some(round_id), Some(round_hash)) => Self { round_id, round_hash },
            _ => Self { round_id: [0; 16].into(), round_hash: [0; 32].into() },
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        [self.round_id.as_bytes(), self.round_hash.as_bytes() as &[u8]].concat()
    }
}

impl From<Owner> for ClientError {
    fn from(Owner { round_hash, .. }: Owner) -> Self {
        Self::AlreadySent { round_hash }
    }
}

/// The list is a folder with a file for each update. When an update is lifted from a round and
/// given to another one, that is a further file. So no file ever changes, and of several claims at
/// once, also by several processes, one wins.
#[derive(Clone, Debug)]
pub(crate) struct SentUpdates {
    folder: PathBuf,
}

impl SentUpdates {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Records on disk that an update belongs to this round. If it belongs to the round `lifted`,
    /// it no longer does.
    ///
    /// # Errors
    /// [`ClientError::AlreadySent`] when the update belongs to another round.
    pub(crate) fn claim(
        &self,
        update: &UpdateDigest,
        round: Owner,
        lifted: Option<Owner>,
    ) -> Result<(), ClientError> {
        loop {
            let (number, owner) = self.last(update)?;
            let next = match owner {
                Some(owner) if owner == round => return Ok(()),
                Some(owner) if Some(owner) != lifted => return Err(owner.into()),
                Some(_) => number + 1,
                None => number,
            };
            let name = file_name(update, next);
            let written = private_file::write_new(&self.folder, &name, &round.to_bytes());
            if written.map_err(ClientError::state(self.folder.join(name)))? {
                return Ok(());
            }
        }
    }

    /// The round to which an update belongs.
    pub(crate) fn owner(&self, update: &UpdateDigest) -> Result<Option<Owner>, ClientError> {
        Ok(self.last(update)?.1)
    }

    /// The number of the last file of an update, and the round in it.
    fn last(&self, update: &UpdateDigest) -> Result<(u32, Option<Owner>), ClientError> {
        let (mut number, mut owner) = (0, None);
        for next in 0.. {
            match self.read(&file_name(update, next))? {
                Some(found) => (number, owner) = (next, Some(found)),
                None => break,
            }
        }
        Ok((number, owner))
    }

    fn read(&self, name: &str) -> Result<Option<Owner>, ClientError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Owner::read(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClientError::state(path)(error)),
        }
    }
}

fn file_name(update: &UpdateDigest, number: u32) -> String {
    if number == 0 { update.to_string() } else { format!("{update}.{number}") }
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

    fn round(number: u8) -> Owner {
        Owner { round_id: [number; 16].into(), round_hash: [number; 32].into() }
    }

    #[test]
    fn an_update_belongs_to_one_round_even_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || SentUpdates::new(folder.path().join("sent"));
        let (update, other) = (digest(&[1.0, -2.0]), digest(&[1.0, -2.5]));
        let sent = open();
        assert_eq!(sent.owner(&update).unwrap(), None);
        sent.claim(&update, round(1), None).unwrap();
        sent.claim(&update, round(1), None).unwrap();
        sent.claim(&other, round(2), None).unwrap();
        assert_eq!(open().owner(&update).unwrap(), Some(round(1)));
        let refused = open().claim(&update, round(2), None);
        assert!(
            matches!(refused, Err(ClientError::AlreadySent { round_hash }) if round_hash == round(1).round_hash)
        );
        fs::write(folder.path().join("sent").join(update.to_string()), b"damaged").unwrap();
        let refused = open().claim(&update, round(1), None);
        assert!(matches!(refused, Err(ClientError::AlreadySent { .. })));
    }

    #[test]
    fn an_update_is_lifted_from_the_round_to_which_it_belongs_and_from_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let sent = SentUpdates::new(folder.path().join("sent"));
        let update = digest(&[0.5]);
        sent.claim(&update, round(1), None).unwrap();
        sent.claim(&update, round(2), Some(round(3))).unwrap_err();
        sent.claim(&update, round(2), Some(round(1))).unwrap();
        assert_eq!(sent.owner(&update).unwrap(), Some(round(2)));
        // What was lifted from round 1 before does not lift it from round 2.
        sent.claim(&update, round(3), Some(round(1))).unwrap_err();
        sent.claim(&update, round(1), Some(round(2))).unwrap();
        assert_eq!(sent.owner(&update).unwrap(), Some(round(1)));
    }

    /// Each claim has a list of its own, as if each were another process.
    #[test]
    fn of_many_rounds_that_claim_an_update_at_once_one_gets_it() {
        for attempt in 0..50_u8 {
            let folder = tempfile::tempdir().unwrap();
            let update = digest(&[f32::from(attempt)]);
            let open = || SentUpdates::new(folder.path().join("sent"));
            let lifted = (attempt % 2 == 1).then(|| round(100));
            if let Some(earlier) = lifted {
                open().claim(&update, earlier, None).unwrap();
            }
            let claim = |number| open().claim(&update, round(number), lifted);
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
            let owner = open().owner(&update).unwrap().unwrap();
            assert_eq!(got.iter().map(|&number| round(number)).collect::<Vec<_>>(), [owner]);
        }
    }
}
