//! Compares the log with its checkpoints. An entry is in the log if it is among the entries that
//! give a checkpoint's root.

use ledger::{Checkpoint, Frontier, OpenedCheckpoint, leaf_hash, note::Verifier};
use names::PublicKey;

use crate::{
    Finding, Place, RoundReport,
    books::{Books, check_books},
    finding::LogFault,
    record::Record,
    round_record::check_round,
};

/// A checkpoint's text, and the name by which findings call it: a path, an address.
#[derive(Clone, Copy, Debug)]
pub struct NamedNote<'a> {
    /// The name.
    pub name: &'a str,
    /// The signed note.
    pub note: &'a str,
}

/// The keys that may sign the log, and the checkpoints that they signed before.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'a> {
    /// The key that signs checkpoints.
    pub aggregator: PublicKey,
    /// Checkpoints from elsewhere. The log must continue them.
    pub earlier: &'a [NamedNote<'a>],
    /// Witnesses. Each must have signed one of the checkpoints.
    pub witnesses: &'a [Verifier],
}

/// Reads a log entry by entry.
#[derive(Debug)]
pub struct LogReader {
    /// The last one first.
    checkpoints: Vec<(String, OpenedCheckpoint)>,
    frontier: Frontier,
    record: Record,
}

/// A log that a signed checkpoint covers.
#[derive(Debug)]
pub struct SignedLog {
    checkpoint: Checkpoint,
    record: Record,
}

impl LogReader {
    /// Opens the log's last checkpoint and the earlier ones.
    ///
    /// # Errors
    /// A [`Finding`] about a checkpoint that is not signed with the aggregator's key, or about a
    /// witness that has signed none of them.
    pub fn open(latest: NamedNote<'_>, trust: Trust<'_>) -> Result<Self, Finding> {
        let notes = std::iter::once(&latest).chain(trust.earlier);
        let checkpoints = notes.map(|note| open(note, trust)).collect::<Result<Vec<_>, _>>()?;
        check_witnesses(&checkpoints, trust.witnesses)?;
        let reader = Self { checkpoints, frontier: Frontier::new(), record: Record::default() };
        reader.compare()?;
        Ok(reader)
    }

    /// Takes the next entry. The first call takes the first entry of the log.
    ///
    /// # Errors
    /// A [`Finding`] about the entry, or about a checkpoint that covers other entries.
    pub fn push(&mut self, entry: &str) -> Result<(), Finding> {
        self.record.add(self.frontier.size(), entry)?;
        self.frontier.append(leaf_hash(entry.as_bytes()));
        self.compare()
    }

    /// Ends the log. The last checkpoint must cover all of it. No checkpoint may cover more.
    ///
    /// # Errors
    /// A [`Finding`] about the number of entries.
    pub fn finish(self) -> Result<SignedLog, Finding> {
        let entries = self.frontier.size();
        let longer = self.checkpoints.iter().find(|(_, opened)| opened.checkpoint.size > entries);
        let longer = longer.map(|(name, _)| name.clone());
        let latest = self.checkpoints.into_iter().next().expect("a reader is opened with a checkpoint");
        let checkpoint = latest.1.checkpoint;
        if entries != checkpoint.size {
            let fault = LogFault::Size { entries, covered: checkpoint.size };
            return Err(Finding::new(Place::Log, fault));
        }
        match longer {
            None => Ok(SignedLog { checkpoint, record: self.record }),
            Some(name) => Err(Finding::new(Place::Checkpoint { name }, LogFault::Short)),
        }
    }

    /// Compares the root of the entries so far with that of every checkpoint of this size.
    fn compare(&self) -> Result<(), Finding> {
        for (name, OpenedCheckpoint { checkpoint, .. }) in &self.checkpoints {
            if checkpoint.size == self.frontier.size() && checkpoint.root != self.frontier.root() {
                return Err(Finding::new(Place::Checkpoint { name: name.clone() }, LogFault::Root));
            }
        }
        Ok(())
    }
}

fn open(note: &NamedNote<'_>, trust: Trust<'_>) -> Result<(String, OpenedCheckpoint), Finding> {
    let name = note.name.to_owned();
    match Checkpoint::open_under(note.note, &trust.aggregator, trust.witnesses) {
        Ok(opened) => Ok((name, opened)),
        Err(error) => Err(Finding::new(Place::Checkpoint { name }, error)),
    }
}

fn check_witnesses(
    checkpoints: &[(String, OpenedCheckpoint)],
    witnesses: &[Verifier],
) -> Result<(), Finding> {
    let has_signed = |witness: &&Verifier| {
        let mut signatures = checkpoints.iter().flat_map(|(_, opened)| &opened.witnesses);
        signatures.any(|signed| signed.name == witness.name() && signed.key_id == witness.key_id())
    };
    match witnesses.iter().find(|witness| !has_signed(witness)) {
        None => Ok(()),
        Some(silent) => {
            Err(Finding::new(Place::Witness { name: silent.name().to_owned() }, LogFault::Silent))
        }
    }
}

impl SignedLog {
    /// The last checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Compares all entries about a verified round with the round, and computes its payouts again.
    /// Returns whether the log has the payouts. They come after the result.
    ///
    /// # Errors
    /// A [`Finding`] about the first contradiction.
    pub fn check_round(&self, round: &RoundReport) -> Result<bool, Finding> {
        check_round(&self.record, &round.facts)
    }

    /// Checks the books of all rounds: every transfer balances, pools went to those who earned
    /// them, nobody is overdrawn, and every batch is the payout tree that its root says.
    ///
    /// # Errors
    /// A [`Finding`] about the first thing that does not add up.
    pub fn check_books(&self) -> Result<Books, Finding> {
        check_books(&self.record)
    }
}
