//! Text with signatures: the C2SP signed-note format (<https://c2sp.org/signed-note>).

mod error;
mod key;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

pub use error::NoteError;
pub(crate) use key::check_name;
pub use key::{Signer, Verifier};

/// The longest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 1 << 16;

/// The most signatures that are read from a note.
pub const MAX_SIGNATURES: usize = 100;

const DASH: &str = "— ";

/// A text of whole lines and at least one signature over it. The text counts only after
/// [`Note::open`] has found the signature of a trusted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// A signature line: the name and number of a key, and the signature's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoteSignature {
    pub(crate) name: String,
    pub(crate) key_id: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A key whose signature on a note verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The key's name.
    pub name: String,
    /// The key's number, see [`Verifier::key_id`].
    pub key_id: u32,
    /// When a witness signed, in seconds since the Unix epoch, below 2⁶³. `None` for a signature
    /// that states no time.
    pub time_s: Option<u64>,
}

impl Note {
    /// Signs this text. The result is a note with one signature.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] unless the text is whole lines without control characters, and not
    /// too long.
    pub fn sign(text: &str, signer: &Signer) -> Result<Self, NoteError> {
        let note = Self { text: text.to_owned(), signatures: vec![signer.sign(text)] };
        Self::parse(&note.to_string())
    }

    /// Reads a note without checking its signatures. Every text is either refused or a note that
    /// [`to_string`](ToString::to_string) writes as the same text.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] with the rule broken.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let rule = |holds: bool, rule| if holds { Ok(()) } else { Err(NoteError::Malformed { rule }) };
        rule(note.len() <= MAX_NOTE_BYTES, "a note has at most 65536 bytes")?;
        let control = |c: char| c < ' ' && c != '\n';
        rule(!note.contains(control), "a note has no control characters but newlines")?;
        let blank =
            note.rfind("\n\n").ok_or(NoteError::Malformed { rule: "a blank line follows the text" })?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed { rule: "the last line ends" })?;
        let signatures: Vec<_> =
            lines.split('\n').take(MAX_SIGNATURES + 1).map(NoteSignature::parse).collect::<Result<_, _>>()?;
        rule(signatures.len() <= MAX_SIGNATURES, "a note has at most 100 signatures")?;
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The signed text, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks each signature whose name and number are those of a key in `known`. Other signatures
    /// are ignored. Returns the known keys that signed, each once, in the order of the note.
    /// Variable-time, because everything here is public.
    ///
    /// # Errors
    /// [`NoteError::Signature`] if the signature of a known key does not verify.
    /// [`NoteError::Ambiguous`] if two different known keys have its name and number.
    /// [`NoteError::Unsigned`] if no known key signed.
    pub fn open(&self, known: &[Verifier]) -> Result<Vec<VerifiedSignature>, NoteError> {
        let mut verified: Vec<VerifiedSignature> = Vec::new();
        for signature in &self.signatures {
            let mut keys = known.iter().filter(|key| key.is_named_by(signature));
            let Some(key) = keys.next() else { continue };
            if keys.any(|other| other != key) {
                return Err(NoteError::Ambiguous { name: key.name().to_owned() });
            }
            let signed = key.verify(&self.text, signature)?;
            if !verified.iter().any(|other| other.name == signed.name && other.key_id == signed.key_id) {
                verified.push(signed);
            }
        }
        if verified.is_empty() { Err(NoteError::Unsigned) } else { Ok(verified) }
    }

    /// Adds a cosignature (<https://c2sp.org/tlog-cosignature>, `cosignature/v1`). By it, `witness`
    /// states that the checkpoint is consistent with every other checkpoint of the log that it had
    /// seen by `time_s`, in seconds since the Unix epoch. The caller must check that first.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] when the note grows too large.
    pub fn cosign(mut self, witness: &Signer, time_s: u64) -> Result<Self, NoteError> {
        self.signatures.push(witness.cosign(&self.text, time_s));
        Self::parse(&self.to_string())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| {
            let bytes = [&signature.key_id.to_be_bytes(), &signature.bytes[..]].concat();
            writeln!(f, "{DASH}{} {}", signature.name, STANDARD.encode(bytes))
        })
    }
}

impl NoteSignature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = |rule| NoteError::Malformed { rule };
        let shape = malformed("a signature is a dash, a key's name and base64");
        let (name, encoded) = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or(shape)?;
        check_name(name)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| malformed("a signature is base64"))?;
        match bytes.split_first_chunk() {
            Some((id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name: name.to_owned(), key_id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
            }
            _ => Err(malformed("a signature has more than the four bytes of its key's number")),
        }
    }
}
