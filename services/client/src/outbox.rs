//! Finished messages on disk. A message is stored before its first byte is sent. It stays until its
//! receipt is stored or its round is over.
//!
//! A message is two files, named by round and contribution: the body and the prefix. The prefix is
//! written last, and a body without a prefix does not count.
//!
//! A message and the record of its update ([`crate::sent_updates`]) come to be in one step. The
//! prefix is first written under a name of its own, which has the digest of the update. The record
//! is the step: it fails if the update belongs to another round. Then the prefix gets its name.
//! What a crash leaves before the step counts for nothing. What it leaves after the step is
//! finished when the outbox is opened.
//!
//! Every attempt sends these bytes. Another update must never be sent under the same seeds. Neither
//! must the same update with fresh errors. The two bodies would give away their difference.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, stream};
use names::{PublicKey, RoundId, UpdateDigest};
use protocol::{ContributionHeader, MessagePrefix, VerifiedRound};
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;

use crate::{
    ClientError, Phase, Progress, ProgressFn, private_file,
    sent_updates::{Owner, SentUpdates},
};

/// Bytes read from disk at a time while uploading.
const READ_BYTES: usize = 256 << 10;
/// The age at which an unfinished message is deleted. A younger one may belong to a running
/// process.
const UNFINISHED_AGE: Duration = Duration::from_secs(24 * 3600);
const PREFIX: &str = "prefix";
/// A prefix whose update is not recorded yet.
const UNRECORDED: &str = "unrecorded";
const BODY: &str = "body";

#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    folder: PathBuf,
    sent: SentUpdates,
}

/// A message that is complete on disk.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The round that it was made for, read from the name of the file.
    pub(crate) round_id: RoundId,
    /// The header, decoded from the prefix.
    pub(crate) header: ContributionHeader,
    prefix: Vec<u8>,
    prefix_path: PathBuf,
    body_path: PathBuf,
    body_bytes: u64,
}

impl Outbox {
    pub(crate) fn open(folder: PathBuf, sent: SentUpdates) -> Result<Self, ClientError> {
        let outbox = Self { folder, sent };
        outbox.finish_recorded()?;
        remove_unfinished(&outbox.folder).map_err(ClientError::state(&outbox.folder))?;
        Ok(outbox)
    }

    /// The round to which an update belongs.
    pub(crate) fn owner(&self, update: &UpdateDigest) -> Result<Option<Owner>, ClientError> {
        self.sent.owner(update)
    }

    /// A temporary file for the body of a new message. It is deleted on drop, unless
    /// [`put`](Self::put) takes it.
    pub(crate) fn draft(&self) -> Result<NamedTempFile, ClientError> {
        private_file::draft(&self.folder).map_err(ClientError::state(&self.folder))
    }

    /// Writes the message to disk and records its update, both or neither. When this returns, a
    /// crash does not lose it. The update may have belonged to the round `lifted`.
    ///
    /// # Errors
    /// [`ClientError::AlreadySent`] when the update belongs to another round,
    /// [`ClientError::State`].
    pub(crate) fn put(
        &self,
        round: &VerifiedRound,
        update: &UpdateDigest,
        prefix: MessagePrefix,
        body: NamedTempFile,
        lifted: Option<Owner>,
    ) -> Result<Message, ClientError> {
        let stem = format!("{}-{}", round.document().round_id, prefix.header.contribution_id);
        let body_name = format!("{stem}.{BODY}");
        let unrecorded = format!("{stem}.{update}.{UNRECORDED}");
        let write = || {
            private_file::persist(body, &self.folder, &body_name)?;
            private_file::write(&self.folder, &unrecorded, &prefix.to_bytes())
        };
        write().map_err(ClientError::state(&self.folder))?;
        let unrecorded = self.folder.join(unrecorded);
        let claimed = self.sent.claim(update, Owner::of(round), lifted);
        if matches!(claimed, Err(ClientError::AlreadySent { .. })) {
            for path in [&unrecorded, &self.folder.join(body_name)] {
                private_file::remove(path).map_err(ClientError::state(path))?;
            }
        }
        claimed?;
        Message::read(self.finish(&unrecorded, &stem)?)
    }

    /// Gives the prefix of a message whose update is recorded its name.
    fn finish(&self, unrecorded: &Path, stem: &str) -> Result<PathBuf, ClientError> {
        let prefix = self.folder.join(format!("{stem}.{PREFIX}"));
        match private_file::rename(&self.folder, unrecorded, &prefix) {
            // Another process has opened the outbox and done the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound && prefix.exists() => {}
            renamed => renamed.map_err(ClientError::state(unrecorded))?,
        }
        Ok(prefix)
    }

    /// Finishes the messages of runs that ended between recording the update and naming the prefix.
    fn finish_recorded(&self) -> Result<(), ClientError> {
        for path in files(&self.folder).map_err(ClientError::state(&self.folder))? {
            let Some((stem, update)) = unrecorded(&path) else { continue };
            let message = fs::read(&path).ok().and_then(|bytes| MessagePrefix::from_bytes(&bytes).ok());
            let Some(message) = message else { continue };
            let owner = self.sent.owner(&update)?;
            if owner.is_some_and(|owner| owner.round_hash == message.header.round_hash) {
                self.finish(&path, &stem)?;
            }
        }
        Ok(())
    }

    /// The message that this participant has not delivered in this round yet.
    pub(crate) fn find(
        &self,
        round: &VerifiedRound,
        client_key: &PublicKey,
    ) -> Result<Option<Message>, ClientError> {
        let round_id = round.document().round_id.to_string();
        for path in self.finished()? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if !name.starts_with(&round_id) {
                continue;
            }
            let message = match Message::read(path) {
                // Another process has delivered it in the meantime.
                Err(ClientError::State { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    continue;
                }
                message => message?,
            };
            if message.is_of(client_key) && message.header.round_hash == *round.hash() {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// All messages that this participant has not delivered yet. Unreadable files are skipped and
    /// stay.
    pub(crate) fn messages(&self, client_key: &PublicKey) -> Result<Vec<Message>, ClientError> {
        let messages = self.finished()?.into_iter().filter_map(|path| Message::read(path).ok());
        Ok(messages.filter(|message| message.is_of(client_key)).collect())
    }

    fn finished(&self) -> Result<Vec<PathBuf>, ClientError> {
        let mut paths = files(&self.folder).map_err(ClientError::state(&self.folder))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == PREFIX));
        Ok(paths)
    }
}

/// The stem of the message, and its update, when this is the file of an unrecorded prefix.
fn unrecorded(path: &Path) -> Option<(String, UpdateDigest)> {
    let name = path.file_name()?.to_str()?.strip_suffix(UNRECORDED)?.strip_suffix('.')?;
    let (stem, update) = name.rsplit_once('.')?;
    Some((stem.to_owned(), update.parse().ok()?))
}

/// The files of a folder. A missing folder has none.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Deletes the files of runs that ended before their message was finished. Young files stay:
/// another run may be writing them.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for path in files(folder)? {
        let finished = path.with_extension(PREFIX).exists();
        if !finished && fs::metadata(&path)?.modified()?.elapsed().unwrap_or_default() > UNFINISHED_AGE {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

impl Message {
    fn read(prefix_path: PathBuf) -> Result<Self, ClientError> {
        let body_path = prefix_path.with_extension(BODY);
        let read = || Ok((fs::read(&prefix_path)?, fs::metadata(&body_path)?.len()));
        let (prefix, body_bytes) = read().map_err(ClientError::state(&prefix_path))?;
        let what = "message in the outbox";
        let decoded = MessagePrefix::from_bytes(&prefix).map_err(ClientError::refused(what))?;
        let name = prefix_path.file_name().unwrap_or_default().to_string_lossy();
        let round_id = name.split('-').next().unwrap_or_default().parse();
        let round_id = round_id.map_err(|_| ClientError::Mismatch { what, field: "name" })?;
        Ok(Self { round_id, header: decoded.header, prefix, prefix_path, body_path, body_bytes })
    }

    fn is_of(&self, client_key: &PublicKey) -> bool {
        self.header.credential.client_key == *client_key
    }

    /// Length of the message, prefix and body.
    pub(crate) fn bytes(&self) -> u64 {
        self.prefix.len() as u64 + self.body_bytes
    }

    /// Reads the whole message into memory.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ClientError> {
        let mut bytes = self.prefix.clone();
        let read = File::open(&self.body_path).and_then(|mut body| body.read_to_end(&mut bytes));
        read.map_err(ClientError::state(&self.body_path))?;
        Ok(bytes)
    }

    /// The message as the body of a request, read from disk while it is sent.
    pub(crate) fn stream(&self, progress: &ProgressFn) -> Result<reqwest::Body, ClientError> {
        let body = File::open(&self.body_path).map_err(ClientError::state(&self.body_path))?;
        let body = ReaderStream::with_capacity(tokio::fs::File::from_std(body), READ_BYTES);
        let whole = stream::iter([Ok::<_, io::Error>(self.prefix.clone().into())]).chain(body);
        let (progress, total) = (progress.clone(), self.bytes());
        let mut done = 0;
        let counted = whole.inspect_ok(move |sent: &bytes::Bytes| {
            done += sent.len() as u64;
            progress(Progress { phase: Phase::Uploading, done, total });
        });
        Ok(reqwest::Body::wrap_stream(counted))
    }

    /// Deletes the message. Call this when its receipt is stored, it was refused for good, or its
    /// round is over.
    pub(crate) fn remove(&self) -> Result<(), ClientError> {
        let remove = |path: &Path| private_file::remove(path).map_err(ClientError::state(path));
        remove(&self.prefix_path)?;
        remove(&self.body_path)
    }
}
