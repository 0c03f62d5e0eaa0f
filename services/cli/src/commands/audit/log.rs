//! The copy of the log in a folder. `log/checkpoint` is the signed note. `log/entries.jsonl` has
//! one entry on each line. The root is computed again from the entries, so an entry is in the log
//! if it is in the file.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use api::ProblemKind;
use audit::{LogReader, NamedNote, SignedLog, Trust, publishes};
use client::{Client, ClientError, SignedCheckpoint};
use ledger::note::Verifier;
use names::{PublicKey, RoundId};

use super::round_folder::RoundFolder;
use crate::error::{CommandError, Result};

/// The longest wait for a checkpoint that covers the end of a round.
const PATIENCE: Duration = Duration::from_secs(30);

/// Copies the log up to its last checkpoint. Waits a while for a checkpoint that covers the end of
/// the round.
pub(super) async fn fetch(client: &Client, round: RoundId, folder: &RoundFolder) -> Result<()> {
    let path = folder.entries();
    let mut file = BufWriter::new(File::create(&path).map_err(CommandError::file(&path))?);
    let (start, mut next, mut covered) = (Instant::now(), 0, false);
    let note = loop {
        let SignedCheckpoint { checkpoint, note } = checkpoint(client, start).await?;
        while next < checkpoint.size {
            for entry in client.log_entries(next, checkpoint.size - next).await? {
                covered |= publishes(&entry.payload, round);
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
    let path = folder.checkpoint();
    fs::write(&path, note).map_err(CommandError::file(&path))
}

/// The last checkpoint. Waits for the first one if there is none yet.
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

/// Reads the copy of the log. It must continue the `earlier` checkpoints. Each of the `witnesses`
/// must have signed one of these or the last checkpoint.
pub(super) fn read(
    folder: &RoundFolder,
    aggregator: PublicKey,
    earlier: &[PathBuf],
    witnesses: &[Verifier],
) -> Result<SignedLog> {
    let read = |path: &PathBuf| -> Result<(String, String)> {
        let note = fs::read_to_string(path).map_err(CommandError::file(path))?;
        Ok((path.display().to_string(), note))
    };
    let (name, note) = read(&folder.checkpoint())?;
    let notes = earlier.iter().map(read).collect::<Result<Vec<_>>>()?;
    let earlier: Vec<_> = notes.iter().map(|(name, note)| NamedNote { name, note }).collect();
    let latest = NamedNote { name: &name, note: &note };
    let mut log = LogReader::open(latest, Trust { aggregator, earlier: &earlier, witnesses })?;
    let path = folder.entries();
    for entry in BufReader::new(File::open(&path).map_err(CommandError::file(&path))?).lines() {
        log.push(&entry.map_err(CommandError::file(&path))?)?;
    }
    Ok(log.finish()?)
}
