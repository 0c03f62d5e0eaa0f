//! The private keys of rounds: in the vault, under the round's identifier, and nowhere else.

use api::{Hex, ProblemKind};
use kit::{
    Error, Result,
    vault::{KeyVault, VaultError},
};
use rand::rngs::OsRng;
use sharing::RoundKeyPair;
use zeroize::Zeroizing;

use crate::state::App;

/// The key of a round, made if there is none yet.
///
/// # Errors
/// An abort of kind `round-key-destroyed` when the round was released; a fault.
pub(crate) async fn obtain(app: &App, round_id: [u8; 16]) -> Result<RoundKeyPair> {
    blocking(app, move |vault| {
        let name = hex::encode(round_id);
        if vault.committed(&name)?.is_none() && !vault.exists(&name)? {
            let key = RoundKeyPair::generate(&mut OsRng);
            let secret = Zeroizing::new([&key.id()[..], &key.private()[..]].concat());
            match vault.create(&name, &secret) {
                Ok(()) | Err(VaultError::Exists) => {}
                Err(error) => return Err(error.into()),
            }
        }
        read(vault, &name)?.ok_or_else(destroyed)
    })
    .await
}

/// The key of a round.
///
/// # Errors
/// An abort of kind `round-key-destroyed`; a fault.
pub(crate) async fn load(app: &App, round_id: [u8; 16]) -> Result<RoundKeyPair> {
    find(app, round_id).await?.ok_or_else(destroyed)
}

/// The key of a round, unless it is destroyed.
///
/// # Errors
/// A fault.
pub(crate) async fn find(app: &App, round_id: [u8; 16]) -> Result<Option<RoundKeyPair>> {
    blocking(app, move |vault| read(vault, &hex::encode(round_id))).await
}

/// Binds the round's key to one set, by its root, for ever and whatever happens to the database.
///
/// # Errors
/// An abort of kind `release-conflict` when it is bound to another; a fault.
pub(crate) async fn bind(app: &App, round_id: [u8; 16], root: [u8; 32]) -> Result<()> {
    blocking(app, move |vault| match vault.commit(&hex::encode(round_id), &root) {
        Err(VaultError::Committed) => Err(Error::abort(ProblemKind::ReleaseConflict)),
        outcome => Ok(outcome?),
    })
    .await
}

/// Destroys the key of a round, if it is there.
///
/// # Errors
/// A fault.
pub(crate) async fn destroy(app: &App, round_id: [u8; 16]) -> Result<()> {
    blocking(app, move |vault| Ok(vault.destroy(&hex::encode(round_id))?)).await
}

/// The rounds whose key is there.
///
/// # Errors
/// A fault.
pub(crate) async fn list(app: &App) -> Result<Vec<[u8; 16]>> {
    let names = blocking(app, |vault| Ok(vault.list()?)).await?;
    Ok(names.iter().filter_map(|name| name.parse().ok().map(|Hex(id)| id)).collect())
}

pub(crate) fn destroyed() -> Error {
    Error::abort(ProblemKind::RoundKeyDestroyed)
}

/// The file holds the 16 bytes of the key's identifier and the 32 of its private half.
fn read(vault: &KeyVault, name: &str) -> Result<Option<RoundKeyPair>> {
    let Some(secret) = vault.load(name)? else { return Ok(None) };
    let key = secret.split_first_chunk().and_then(|(id, private)| {
        let private = Zeroizing::new(<[u8; 32]>::try_from(private).ok()?);
        Some(RoundKeyPair::from_private(*id, *private))
    });
    key.map(Some).ok_or_else(|| Error::fault("a key in the vault is damaged"))
}

async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&KeyVault) -> Result<T> + Send + 'static,
) -> Result<T> {
    let vault = app.vault.clone();
    tokio::task::spawn_blocking(move || work(&vault)).await?
}
