//! The tree of the log that was signed last. It is kept in the vault, since a database restored
//! from a backup has forgotten it.

use kit::{Error, Result, vault::KeyVault};
use ledger::Hash;
use names::Name;

const NAME: &str = "log-head";

/// The size and the root of a tree of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHead {
    /// The number of entries.
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

/// Keeps the tree that is about to be signed.
///
/// # Errors
/// A fault if the vault fails.
pub(crate) async fn keep(vault: &KeyVault, head: LogHead) -> Result<()> {
    let bytes = [&head.size.to_le_bytes()[..], head.root.as_bytes()].concat();
    vault.run(move |vault| vault.note(NAME, &bytes)).await
}

/// Returns the tree that was signed last or was about to be signed.
///
/// # Errors
/// A fault if the vault fails or the note is damaged.
pub(crate) async fn load(vault: &KeyVault) -> Result<Option<LogHead>> {
    let Some(bytes) = vault.run(|vault| vault.noted(NAME)).await? else { return Ok(None) };
    let head = bytes.split_first_chunk().and_then(|(size, root)| {
        Some(LogHead { size: u64::from_le_bytes(*size), root: Hash::from_slice(root)? })
    });
    head.map(Some).ok_or_else(|| Error::fault("the head of the log in the vault is damaged"))
}
