//! The folder that `audit fetch` writes and `audit verify` reads.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use audit::{BundleJson, Published};
use names::ContributionId;

use crate::error::{CommandError, Result};

/// A folder with `bundle.json`, `bodies/<contribution_id>`, `sum`, and the copy of the log:
/// `log/checkpoint` and `log/entries.jsonl`.
pub(super) struct RoundFolder {
    path: PathBuf,
    /// The vector that was read last.
    open: Option<(PathBuf, File)>,
}

impl RoundFolder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None }
    }

    /// Makes the folder and the folders in it.
    pub(super) fn create(&self) -> Result<()> {
        for folder in [self.path.join("bodies"), self.log()] {
            fs::create_dir_all(&folder).map_err(CommandError::file(&folder))?;
        }
        Ok(())
    }

    pub(super) fn bundle(&self) -> PathBuf {
        self.path.join("bundle.json")
    }

    pub(super) fn body(&self, contribution: ContributionId) -> PathBuf {
        self.path.join("bodies").join(contribution.to_string())
    }

    pub(super) fn sum(&self) -> PathBuf {
        self.path.join("sum")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.path.join("log/checkpoint")
    }

    pub(super) fn entries(&self) -> PathBuf {
        self.path.join("log/entries.jsonl")
    }

    pub(super) fn read_bundle(&self) -> Result<BundleJson> {
        read_bundle(&self.bundle())
    }

    fn read(&mut self, path: PathBuf, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let file = match &mut self.open {
            Some((open, file)) if *open == path => file,
            other => {
                let file = File::open(&path).map_err(CommandError::file(&path))?;
                &mut other.insert((path.clone(), file)).1
            }
        };
        let read = file.seek(SeekFrom::Start(offset)).and_then(|_| fill(file, buffer));
        read.map_err(CommandError::file(path))
    }
}

impl Published for RoundFolder {
    type Error = CommandError;

    fn read_body(&mut self, contribution: ContributionId, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.read(self.body(contribution), offset, buffer)
    }

    fn read_sum(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        self.read(self.sum(), offset, buffer)
    }
}

pub(super) fn read_bundle(path: &Path) -> Result<BundleJson> {
    let text = fs::read(path).map_err(CommandError::file(path))?;
    BundleJson::read(&text).map_err(|error| CommandError::input(path, format!("is not a bundle: {error}")))
}

/// Reads until the buffer is full or the file ends. Returns the number of bytes read.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read(&mut buffer[length..])? {
            0 => break,
            read => length += read,
        }
    }
    Ok(length)
}
