//! The aggregator's own private key of each round: in the vault, never in the database.

use api::Hex;
use kit::{Error, Result, vault::KeyVault};
use sharing::RoundKeyPair;
use zeroize::Zeroizing;

use super::blocking;

/// Keeps a new key.
///
/// # Errors
/// A fault.
pub(crate) async fn create(vault: &KeyVault, round_id: [u8; 16], key: &RoundKeyPair) -> Result<()> {
    let secret = Zeroizing::new([&key.id()[..], &key.private()[..]].concat());
    blocking(vault, move |vault| vault.create(&hex::encode(round_id), &secret)).await
}

/// The key, unless it is destroyed.
///
/// # Errors
/// A fault.
pub(crate) async fn load(vault: &KeyVault, round_id: [u8; 16]) -> Result<Option<RoundKeyPair>> {
    let secret = blocking(vault, move |vault| vault.load(&hex::encode(round_id))).await?;
    let Some(secret) = secret else { return Ok(None) };
    let parts = secret.split_first_chunk::<16>().and_then(|(id, private)| {
        let private = Zeroizing::new(<[u8; 32]>::try_from(private).ok()?);
        Some(RoundKeyPair::from_private(*id, *private))
    });
    parts.map(Some).ok_or_else(|| Error::fault("a key in the vault is damaged"))
}

/// Binds the key to the one set over which its shares may be summed. Another set is refused for ever, whatever
/// happens to the database.
///
/// # Errors
/// A fault, also when the key is bound to another set.
pub(crate) async fn bind(vault: &KeyVault, round_id: [u8; 16], root: [u8; 32]) -> Result<()> {
    blocking(vault, move |vault| vault.commit(&hex::encode(round_id), &root)).await
}

/// Destroys the key, if it is there.
///
/// # Errors
/// A fault.
pub(crate) async fn destroy(vault: &KeyVault, round_id: [u8; 16]) -> Result<()> {
    blocking(vault, move |vault| vault.destroy(&hex::encode(round_id))).await
}

/// The rounds whose key is there.
///
/// # Errors
/// A fault.
pub(crate) async fn list(vault: &KeyVault) -> Result<Vec<[u8; 16]>> {
    let names = blocking(vault, KeyVault::list).await?;
    Ok(names.iter().filter_map(|name| name.parse().ok().map(|Hex(id)| id)).collect())
}
