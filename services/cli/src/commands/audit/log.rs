//! The copy of the log in a folder: `log/checkpoint`, the signed note, and `log/entries.jsonl`, an entry a line. The root is
//! computed anew from the entries, so that an entry is in the log if it is in the file.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use api::ProblemKind;
use client::{Client, ClientError, SignedCheckpoint};
use ledger::{
    Checkpoint, Frontier, OpenedCheckpoint, leaf_hash,
    note::{NoteError, Verifier},
};
use names::{PublicKey, RoundId};

use super::{
    record::{self, Record},
    wrong,
};
use crate::error::{CommandError, Result};

/// Where the copy is in a folder.
pub(super) const FOLDER: &str = "log";
pub(super) const CHECKPOINT: &str = "log/checkpoint";
pub(super) const ENTRIES: &str = "log/entries.jsonl";

/// How long a checkpoint that covers the end of a round may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Copies the log up to its last checkpoint, and waits a while for one that covers the end of the round.
pub(super) async fn fetch(client: &Client, round: RoundId, folder: &Path) -> Result<()> {
    let to = folder.join(FOLDER);
    fs::create_dir_all(&to).map_err(CommandError::file(&to))?;
    let path = folder.join(ENTRIES);
    let mut file = BufWriter::new(File::create(&path).map_err(CommandError::file(&path))?);
    let (start, mut next, mut covered) = (Instant::now(), 0, false);
    let note = loop {
        let SignedCheckpoint { checkpoint, note } = checkpoint(client, start).await?;
        while next < checkpoint.size {
            for entry in client.log_entries(next, checkpoint.size - next).await? {
                covered |= record::is_end_of(&entry.payload, &round.to_string());
                writeln!(file, "{}", entry.payload).map_err(CommandError::file(&path))?;
                next += 1;
            }
        }
        if covered || start.elapsed() > PATIENCE {
            break note;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    file.flush().map_err(CommandError::file(&path))?;
    let path = folder.join(CHECKPOINT);
    fs::write(&path, note).map_err(CommandError::file(&path))
}

/// The last checkpoint, or the first, once there is one.
async fn checkpoint(client: &Client, start: Instant) -> Result<SignedCheckpoint> {
    loop {
        match client.checkpoint().await {
            Err(ClientError::Problem { kind: ProblemKind::NotReady, .. }) if start.elapsed() <= PATIENCE => {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            answer => return Ok(answer?),
        }
    }
}

/// Whose word on the log counts, and what it has said before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust<'a> {
    /// The key that signs checkpoints.
    pub(super) aggregator: PublicKey,
    /// Checkpoints from elsewhere, which the log has to continue.
    pub(super) earlier: &'a [PathBuf],
    /// Witnesses, each of which has to have signed one of the checkpoints.
    pub(super) witnesses: &'a [Verifier],
}

/// What the log says, and which checkpoint vouches for it.
#[derive(Debug)]
pub(super) struct SignedLog {
    pub(super) checkpoint: Checkpoint,
    pub(super) record: Record,
}

impl SignedLog {
    /// Reads the copy in `folder`, checks it against its checkpoint and the earlier ones, and takes its entries apart.
    pub(super) fn read(folder: &Path, trust: Trust<'_>) -> Result<Self> {
        let latest = open(&folder.join(CHECKPOINT), trust)?;
        let mut checkpoints = vec![(folder.join(CHECKPOINT), latest.clone())];
        for path in trust.earlier {
            checkpoints.push((path.clone(), open(path, trust)?));
        }
        check_witnesses(&checkpoints, trust.witnesses)?;
        let log = Self { checkpoint: latest.checkpoint, record: read_entries(folder, &checkpoints)? };
        Ok(log)
    }
}

fn open(path: &Path, trust: Trust<'_>) -> Result<OpenedCheckpoint> {
    let note = fs::read_to_string(path).map_err(CommandError::file(path))?;
    let refused = |error: NoteError| wrong(&format!("checkpoint {}", path.display()), error);
    // The log has whatever name it gives itself: its key is what is trusted.
    let origin = note.lines().next().unwrap_or_default();
    let log = Verifier::ed25519(origin, &trust.aggregator).map_err(refused)?;
    Checkpoint::open(&note, &log, trust.witnesses).map_err(refused)
}

fn check_witnesses(checkpoints: &[(PathBuf, OpenedCheckpoint)], witnesses: &[Verifier]) -> Result<()> {
    let has_signed = |witness: &&Verifier| {
        let signatures = checkpoints.iter().flat_map(|(_, opened)| &opened.witnesses);
        signatures
            .into_iter()
            .any(|signed| signed.name == witness.name() && signed.key_id == witness.key_id())
    };
    match witnesses.iter().find(|witness| !has_signed(witness)) {
        None => Ok(()),
        Some(silent) => {
            Err(wrong(&format!("witness {}", silent.name()), "has signed none of the checkpoints"))
        }
    }
}

/// Reads the entries, comparing the root with that of every checkpoint at its size.
fn read_entries(folder: &Path, checkpoints: &[(PathBuf, OpenedCheckpoint)]) -> Result<Record> {
    let path = folder.join(ENTRIES);
    let lines = BufReader::new(File::open(&path).map_err(CommandError::file(&path))?).lines();
    let (mut frontier, mut record) = (Frontier::new(), Record::default());
    compare(&frontier, checkpoints)?;
    for line in lines {
        let line = line.map_err(CommandError::file(&path))?;
        record.add(frontier.size(), &line)?;
        frontier.append(leaf_hash(line.as_bytes()));
        compare(&frontier, checkpoints)?;
    }
    let (size, latest) = (frontier.size(), checkpoints[0].1.checkpoint.size);
    if size != latest {
        let what = format!("there are {size} entries, and the checkpoint covers {latest}");
        return Err(wrong("log", what));
    }
    match checkpoints.iter().find(|(_, opened)| opened.checkpoint.size > size) {
        None => Ok(record),
        Some((path, _)) => {
            let what = "the log is shorter: fetch it again, or it has lost entries";
            Err(wrong(&format!("checkpoint {}", path.display()), what))
        }
    }
}

fn compare(frontier: &Frontier, checkpoints: &[(PathBuf, OpenedCheckpoint)]) -> Result<()> {
    for (path, OpenedCheckpoint { checkpoint, .. }) in checkpoints {
        if checkpoint.size == frontier.size() && checkpoint.root != frontier.root() {
            let at = format!("checkpoint {}", path.display());
            return Err(wrong(&at, "the log's entries have another root: it was rewritten, or the copy was"));
        }
    }
    Ok(())
}
