//! The errors of notes, keys and checkpoints.

/// Why a note, a key or a checkpoint was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The text is not a note.
    #[error("not a signed note: {rule}")]
    Malformed {
        /// The rule that was broken.
        rule: &'static str,
    },
    /// The text is not the name of a key.
    #[error("a key's name has 1 to 255 bytes, no spaces, no control characters and no plus sign")]
    KeyName,
    /// The text is not a verifier key.
    #[error("not a verifier key: {rule}")]
    VerifierKey {
        /// The rule that was broken.
        rule: &'static str,
    },
    /// A known key's signature does not verify.
    #[error("the signature of `{name}` does not verify")]
    Signature {
        /// The key's name.
        name: String,
    },
    /// Two different known keys have the same name and number.
    #[error("two known keys are named `{name}` with the same number")]
    Ambiguous {
        /// The name of both keys.
        name: String,
    },
    /// No known key signed the note.
    #[error("no known key signed the note")]
    Unsigned,
    /// The log itself did not sign its checkpoint.
    #[error("the checkpoint is not signed by the log `{log}`")]
    NotByLog {
        /// The log's name.
        log: String,
    },
    /// The note is signed, but not as a checkpoint.
    #[error("not a checkpoint: {rule}")]
    Checkpoint {
        /// The rule that was broken.
        rule: &'static str,
    },
    /// The origin of the checkpoint is not the name of the key.
    #[error("the checkpoint is not one of the log `{log}`")]
    Origin {
        /// The log's name.
        log: String,
    },
}
