//! Names of participants.

use std::{borrow::Borrow, fmt, str::FromStr};

use thiserror::Error;

/// The registrar's name for a participant: 1 to 64 characters of `[A-Za-z0-9._-]`, but not `.` or
/// `..`. All keys of one participant have the same subject.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

/// The text is not a valid subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a subject has 1 to 64 characters of [A-Za-z0-9._-] and is not `.` or `..`")]
pub struct NotASubject;

impl Subject {
    /// The longest subject, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Accepts `text` if it is a valid subject.
    ///
    /// # Errors
    /// [`NotASubject`] when the text is empty or too long, has another character, or is `.` or
    /// `..`. Those two would name a folder in a path.
    pub fn new(text: &str) -> Result<Self, NotASubject> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let folder = matches!(text, "." | "..");
        if text.is_empty() || text.len() > Self::MAX_BYTES || folder || !text.bytes().all(allowed) {
            return Err(NotASubject);
        }
        Ok(Self(text.to_owned()))
    }

    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({})", self.0)
    }
}

impl AsRef<str> for Subject {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A subject compares, sorts and hashes like its text.
impl Borrow<str> for Subject {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Subject {
    fn eq(&self, text: &str) -> bool {
        self.0 == *text
    }
}

impl PartialEq<&str> for Subject {
    fn eq(&self, text: &&str) -> bool {
        self.0 == *text
    }
}

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        Self::new(text)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_names_that_a_path_can_hold() {
        let longest = "a".repeat(64);
        for name in ["a", "hospital-7", "...", ".a", "_", &longest] {
            assert_eq!(Subject::new(name).as_ref().map(Subject::as_str), Ok(name));
        }
        for name in ["", ".", "..", "a b", "a/b", "é", &format!("{longest}a")] {
            assert_eq!(Subject::new(name), Err(NotASubject), "{name}");
        }
    }
}
