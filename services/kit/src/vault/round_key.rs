//! The private key that a holder has for each round. It is in the vault under the round id, and
//! never in the database.
//!
//! The file holds the 16 bytes of the key id, followed by the 32 bytes of the private half.

use api::ProblemKind;
use names::{Name, RoundId, RoundKeyId, RoundPublicKey, SetRoot};
use rand::rngs::OsRng;
use sharing::RoundKeyPair;
use zeroize::Zeroizing;

use super::{KeyVault, VaultError};
use crate::{Error, Result};

/// What a holder recorded of its key outside the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicHalf {
    /// The id of the key.
    pub id: RoundKeyId,
    /// The key to which participants seal.
    pub key: RoundPublicKey,
}

impl PublicHalf {
    /// The public half of `pair`.
    pub fn of(pair: &RoundKeyPair) -> Self {
        Self { id: *pair.id(), key: *pair.public() }
    }
}

/// Stores a new key.
///
/// # Errors
/// A fault if the vault fails or the round has a key already.
pub async fn create(vault: &KeyVault, round_id: RoundId, key: &RoundKeyPair) -> Result<()> {
    let secret = encode(key);
    vault.run(move |vault| vault.create(&name(round_id), &secret)).await
}

/// Returns the key of a round and makes one if there is none. Returns `None` if the key was bound
/// to a set and then destroyed.
///
/// # Errors
/// A fault if the vault fails.
pub async fn obtain(vault: &KeyVault, round_id: RoundId) -> Result<Option<RoundKeyPair>> {
    let secret = vault.run(move |vault| {
        let name = name(round_id);
        if vault.committed(&name)?.is_none() && !vault.exists(&name)? {
            match vault.create(&name, &encode(&RoundKeyPair::generate(&mut OsRng))) {
                // Another request may have made the key first.
                Ok(()) | Err(VaultError::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        vault.load(&name)
    });
    secret.await?.map(|secret| decode(&secret)).transpose()
}

/// Returns the key of a round. `None` if it was destroyed or never made.
///
/// # Errors
/// A fault if the vault fails, or if the key in it is not the one that was `recorded`.
pub async fn find(
    vault: &KeyVault,
    round_id: RoundId,
    recorded: &PublicHalf,
) -> Result<Option<RoundKeyPair>> {
    match find_unrecorded(vault, round_id).await? {
        Some(key) if PublicHalf::of(&key) != *recorded => {
            Err(Error::fault("a key in the vault is not the one that was recorded"))
        }
        key => Ok(key),
    }
}

/// Returns the key of a round of which nothing is recorded outside the vault. `None` if it was
/// destroyed or never made.
///
/// # Errors
/// A fault if the vault fails.
pub async fn find_unrecorded(vault: &KeyVault, round_id: RoundId) -> Result<Option<RoundKeyPair>> {
    let secret = vault.run(move |vault| vault.load(&name(round_id))).await?;
    secret.map(|secret| decode(&secret)).transpose()
}

/// Binds the key of a round to the one set whose shares it may add. The binding lasts for ever,
/// whatever happens to the database.
///
/// # Errors
/// An abort of kind `release-conflict` if the key is bound to another set. A fault if the vault
/// fails.
pub async fn bind(vault: &KeyVault, round_id: RoundId, root: SetRoot) -> Result<()> {
    let bound = vault.run(move |vault| match vault.commit(&name(round_id), root) {
        Err(VaultError::Committed) => Ok(false),
        outcome => outcome.map(|()| true),
    });
    if bound.await? { Ok(()) } else { Err(Error::abort(ProblemKind::ReleaseConflict)) }
}

/// Returns whether the key of a round is bound to a set.
///
/// # Errors
/// A fault if the vault fails.
pub async fn is_bound(vault: &KeyVault, round_id: RoundId) -> Result<bool> {
    vault.run(move |vault| Ok(vault.committed(&name(round_id))?.is_some())).await
}

/// Returns whether a round has a key, even a damaged one.
///
/// # Errors
/// A fault if the vault fails.
pub async fn exists(vault: &KeyVault, round_id: RoundId) -> Result<bool> {
    vault.run(move |vault| vault.exists(&name(round_id))).await
}

/// Destroys the key of a round, if there is one.
///
/// # Errors
/// A fault if the vault fails.
pub async fn destroy(vault: &KeyVault, round_id: RoundId) -> Result<()> {
    vault.run(move |vault| vault.destroy(&name(round_id))).await
}

/// Lists the rounds that have a key.
///
/// # Errors
/// A fault if the vault fails.
pub async fn list(vault: &KeyVault) -> Result<Vec<RoundId>> {
    let names = vault.run(KeyVault::list).await?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

fn name(round_id: RoundId) -> String {
    round_id.to_string()
}

fn encode(key: &RoundKeyPair) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&key.id().as_bytes()[..], &key.private().as_bytes()[..]].concat())
}

fn decode(secret: &[u8]) -> Result<RoundKeyPair> {
    let key = secret.split_first_chunk::<{ RoundKeyId::LENGTH }>().and_then(|(id, private)| {
        let private: [u8; 32] = private.try_into().ok()?;
        // Zeros are what overwriting leaves, and a key that everybody has.
        let erased = private == [0; 32];
        (!erased).then(|| RoundKeyPair::from_private((*id).into(), private.into()))
    });
    key.ok_or_else(|| Error::fault("a key in the vault is damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: RoundId = RoundId::from_bytes([7; 16]);

    fn vault() -> (tempfile::TempDir, KeyVault) {
        let directory = tempfile::tempdir().unwrap();
        let vault = KeyVault::open(directory.path()).unwrap();
        (directory, vault)
    }

    #[tokio::test]
    async fn a_key_is_made_once_and_is_the_same_afterwards() {
        let (_directory, vault) = vault();
        let key = obtain(&vault, ROUND).await.unwrap().unwrap();
        let recorded = PublicHalf::of(&key);
        for again in [obtain(&vault, ROUND).await, find(&vault, ROUND, &recorded).await] {
            let again = again.unwrap().unwrap();
            assert_eq!((again.id(), again.private().as_bytes()), (key.id(), key.private().as_bytes()));
        }
        assert_eq!(vault.load(&name(ROUND)).unwrap().unwrap().len(), 48);
        assert_eq!(list(&vault).await.unwrap(), [ROUND]);
        create(&vault, ROUND, &key).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_bound_key_serves_one_set_and_is_not_made_again_after_its_destruction() {
        let (_directory, vault) = vault();
        obtain(&vault, ROUND).await.unwrap();
        bind(&vault, ROUND, [1; 32].into()).await.unwrap();
        bind(&vault, ROUND, [1; 32].into()).await.unwrap();
        let refused = bind(&vault, ROUND, [2; 32].into()).await.unwrap_err();
        assert_eq!(refused.kind(), ProblemKind::ReleaseConflict);
        destroy(&vault, ROUND).await.unwrap();
        assert!(find_unrecorded(&vault, ROUND).await.unwrap().is_none());
        assert!(obtain(&vault, ROUND).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_damaged_key_is_a_fault() {
        // 48 zeros are a key that was overwritten and not removed.
        for damaged in [[0; 47].to_vec(), [0; 48].to_vec(), [[7; 16], [0; 16], [0; 16]].concat()] {
            let (_directory, vault) = vault();
            vault.create(&name(ROUND), &damaged).unwrap();
            assert_eq!(find_unrecorded(&vault, ROUND).await.unwrap_err().kind(), ProblemKind::Internal);
            assert_eq!(obtain(&vault, ROUND).await.unwrap_err().kind(), ProblemKind::Internal);
        }
    }

    #[tokio::test]
    async fn a_key_that_is_not_the_recorded_one_is_a_fault() {
        let (_directory, vault) = vault();
        let key = obtain(&vault, ROUND).await.unwrap().unwrap();
        let right = PublicHalf::of(&key);
        let other = PublicHalf::of(&RoundKeyPair::generate(&mut OsRng));
        for wrong in [other.clone(), PublicHalf { id: other.id, ..right.clone() }] {
            let fault = find(&vault, ROUND, &wrong).await.unwrap_err();
            assert_eq!(fault.kind(), ProblemKind::Internal);
        }
        assert!(find(&vault, ROUND, &right).await.unwrap().is_some());
    }
}
