//! What was signed last of the log. A database that was set back to a backup has forgotten it; the vault has not.

use kit::{Error, Result, vault::KeyVault};
use ledger::Hash;

use super::blocking;

const NAME: &str = "log-head";

/// A tree of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogHead {
    /// Entries.
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

/// Remembers what is about to be signed.
///
/// # Errors
/// A fault.
pub(crate) async fn keep(vault: &KeyVault, head: LogHead) -> Result<()> {
    let bytes = [&head.size.to_le_bytes()[..], &head.root].concat();
    blocking(vault, move |vault| vault.note(NAME, &bytes)).await
}

/// What was signed last, or was about to be.
///
/// # Errors
/// A fault.
pub(crate) async fn load(vault: &KeyVault) -> Result<Option<LogHead>> {
    let Some(bytes) = blocking(vault, |vault| vault.noted(NAME)).await? else { return Ok(None) };
    let head = bytes.split_first_chunk().and_then(|(size, root)| {
        Some(LogHead { size: u64::from_le_bytes(*size), root: root.try_into().ok()? })
    });
    head.map(Some).ok_or_else(|| Error::fault("the head of the log in the vault is damaged"))
}
