//! Receipts on disk. A receipt is the evidence that a participant shows when a contribution is
//! missing from the log.

use std::{fs, io, path::PathBuf};

use names::ContributionId;
use protocol::{Canonical, Receipt, Refusal};

use crate::{ClientError, private_file};

#[derive(Clone, Debug)]
pub(crate) struct Receipts {
    folder: PathBuf,
}

impl Receipts {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Stores a receipt. The caller has checked it.
    pub(crate) fn keep(&self, receipt: &Receipt) -> Result<(), ClientError> {
        let name = receipt.contribution_id.to_string();
        let path = self.folder.join(&name);
        private_file::write(&self.folder, &name, &receipt.to_bytes()).map_err(ClientError::state(path))
    }

    /// Reads the receipt of a contribution. `None` when none was stored.
    pub(crate) fn find(&self, contribution: ContributionId) -> Result<Option<Receipt>, ClientError> {
        let path = self.folder.join(contribution.to_string());
        match fs::read(&path) {
            Ok(bytes) => {
                let malformed = Refusal::malformed("receipt");
                let receipt = Receipt::from_bytes(&bytes)
                    .map_err(malformed)
                    .map_err(ClientError::refused("receipt"))?;
                Ok(Some(receipt))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClientError::state(path)(error)),
        }
    }
}
