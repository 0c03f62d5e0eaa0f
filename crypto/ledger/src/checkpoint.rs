//! The signed size and root of a log: the C2SP checkpoint format
//! (<https://c2sp.org/tlog-checkpoint>).

use base64::{Engine, engine::general_purpose::STANDARD};
use names::{Name, PublicKey};

use crate::{
    note::{Note, NoteError, Signer, VerifiedSignature, Verifier},
    tree_hash::Hash,
};

/// The state of a log at one size. Its text is three lines: origin, size in decimal, root in
/// base64.
///
/// ```
/// use ledger::{Checkpoint, note::Signer, root};
///
/// let log = Signer::new("example.org/log", &[7; 32].into())?;
/// let checkpoint = Checkpoint { origin: "example.org/log".into(), size: 2, root: root(["first", "second"]) };
/// let note = checkpoint.sign(&log)?;
/// assert_eq!(Checkpoint::open(&note, &log.verifier(), &[])?.checkpoint, checkpoint);
/// # Ok::<(), ledger::note::NoteError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name. It is also the name of the log's key.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The root over these leaves.
    pub root: Hash,
}

/// A checkpoint that its log signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCheckpoint {
    /// The size and root that the log signed.
    pub checkpoint: Checkpoint,
    /// The known witnesses that signed too.
    pub witnesses: Vec<VerifiedSignature>,
}

impl Checkpoint {
    /// The checkpoint as a note signed by the log.
    ///
    /// # Errors
    /// [`NoteError::Origin`] unless the key's name is the origin.
    pub fn sign(&self, log: &Signer) -> Result<String, NoteError> {
        if self.origin != log.name() {
            return Err(NoteError::Origin { log: log.name().to_owned() });
        }
        Note::sign(&self.text(), log).map(|note| note.to_string())
    }

    /// Reads a checkpoint of the log with this key. Signatures by other keys than the log's and the
    /// witnesses' are ignored, and so are lines after the root. The answer lists the witnesses that
    /// signed. The caller must decide how many are enough.
    ///
    /// # Errors
    /// [`NoteError`] if the text is not a note, the log did not sign it, a signature of the log or
    /// of a known witness is wrong, or the note is not a checkpoint of this log.
    pub fn open(note: &str, log: &Verifier, witnesses: &[Verifier]) -> Result<OpenedCheckpoint, NoteError> {
        let note = Note::parse(note)?;
        let known: Vec<Verifier> = std::iter::once(log).chain(witnesses).cloned().collect();
        let mut signed = note.open(&known)?;
        let is_log = |key: &VerifiedSignature| key.name == log.name() && key.key_id == log.key_id();
        if !signed.iter().any(is_log) {
            return Err(NoteError::NotByLog { log: log.name().to_owned() });
        }
        signed.retain(|key| !is_log(key));
        let checkpoint = Self::from_text(note.text())?;
        if checkpoint.origin != log.name() {
            return Err(NoteError::Origin { log: log.name().to_owned() });
        }
        Ok(OpenedCheckpoint { checkpoint, witnesses: signed })
    }

    /// Like [`open`](Self::open), but accepts any name of the log. Use it when the key alone
    /// identifies the log.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and [`NoteError`] when the key or the name cannot be used.
    pub fn open_under(
        note: &str,
        log: &PublicKey,
        witnesses: &[Verifier],
    ) -> Result<OpenedCheckpoint, NoteError> {
        let origin = note.lines().next().unwrap_or_default();
        Self::open(note, &Verifier::ed25519(origin, log)?, witnesses)
    }

    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    fn from_text(text: &str) -> Result<Self, NoteError> {
        let wrong = |rule| NoteError::Checkpoint { rule };
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(wrong("an origin, a size and a root are on lines of their own"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(wrong("no line is empty"));
        }
        let number: u64 = size.parse().map_err(|_| wrong("the size is a decimal number below 2^64"))?;
        if number.to_string() != size {
            return Err(wrong("the size has no sign and no leading zero"));
        }
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::from_slice(&root));
        let root = root.ok_or(wrong("the root is base64 of 32 bytes"))?;
        Ok(Self { origin: origin.to_owned(), size: number, root })
    }
}
