//! What the aggregator keeps beside its database.

pub(crate) mod log_head;
pub(crate) mod round_key;

use kit::{
    Result,
    vault::{KeyVault, VaultError},
};

/// Does `work` where it may block.
async fn blocking<T: Send + 'static>(
    vault: &KeyVault,
    work: impl FnOnce(&KeyVault) -> std::result::Result<T, VaultError> + Send + 'static,
) -> Result<T> {
    let vault = vault.clone();
    Ok(tokio::task::spawn_blocking(move || work(&vault)).await??)
}
