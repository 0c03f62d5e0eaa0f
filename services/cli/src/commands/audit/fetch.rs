//! `blindsum audit fetch`: saves everything that is public about a round, and the log, to a folder.

use std::{fs, path::Path};

use client::Client;
use names::RoundId;
use protocol::Canonical;

use super::{log, round_folder::RoundFolder};
use crate::error::{CommandError, Result};

/// Writes everything that is public about a round, and the log, to a folder. Returns the number of
/// members.
pub(crate) async fn fetch(client: &Client, id: RoundId, folder: &Path) -> Result<usize> {
    let round = client.open_round(id).await?;
    let folder = RoundFolder::new(folder);
    folder.create()?;
    let path = folder.bundle();
    fs::write(&path, client.bundle(id).await?).map_err(CommandError::file(&path))?;
    let bundle = folder.read_bundle()?;
    if bundle.document_bytes() != round.document().to_bytes() {
        return Err(CommandError::Unexpected { what: "bundle's document" });
    }
    let constants = round.constants();
    for contribution in bundle.contributions() {
        let to = folder.body(contribution);
        client.download_body(id, contribution, constants.body_bytes(), &to).await?;
    }
    client.download_sum(id, 8 * constants.padded_dimension, &folder.sum()).await?;
    log::fetch(client, id, &folder).await?;
    Ok(bundle.contributions().len())
}
