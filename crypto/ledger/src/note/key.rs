//! The keys of notes: named Ed25519 keys (RFC 8032), for logs and for witnesses.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use names::{Name, PublicKey, SecretKey};
use sha2::{Digest, Sha256};

use super::{NoteError, NoteSignature, VerifiedSignature};
use crate::public_key::{UnusableKey, verifying_key};

/// The kind of message that a key signs. The value is the type byte of the signed-note format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// The note's text.
    Text = 0x01,
    /// A time and the text: `cosignature/v1` of a witness.
    Cosignature = 0x04,
}

/// A signing key with a name. Zeroised on drop.
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl Signer {
    /// The key with this RFC 8032 secret, under this name. By convention the name is a URL without
    /// a scheme.
    ///
    /// # Errors
    /// [`NoteError::KeyName`] unless the name has 1 to 255 bytes, no spaces, no control characters
    /// and no plus sign.
    pub fn new(name: &str, secret: &SecretKey) -> Result<Self, NoteError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key: SigningKey::from_bytes(secret.as_bytes()) })
    }

    /// The name, which stands in each signature line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key that verifies the notes that this key signs.
    pub fn verifier(&self) -> Verifier {
        Verifier::new(&self.name, Kind::Text, self.key.verifying_key())
    }

    /// The key that verifies the cosignatures that this key makes.
    pub fn cosignature_verifier(&self) -> Verifier {
        Verifier::new(&self.name, Kind::Cosignature, self.key.verifying_key())
    }

    pub(super) fn sign(&self, text: &str) -> NoteSignature {
        let Verifier { name, key_id, .. } = self.verifier();
        NoteSignature { name, key_id, bytes: self.key.sign(text.as_bytes()).to_bytes().to_vec() }
    }

    pub(super) fn cosign(&self, text: &str, time_s: u64) -> NoteSignature {
        let Verifier { name, key_id, .. } = self.cosignature_verifier();
        let signature = self.key.sign(cosigned(text, time_s).as_bytes());
        NoteSignature { name, key_id, bytes: [&time_s.to_be_bytes()[..], &signature.to_bytes()].concat() }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier())
    }
}

/// A key that a reader trusts, written `name+number+base64` (the *vkey* of the signed-note format).
/// Type 1 is Ed25519 over the note's text, type 4 a witness's `cosignature/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key_id: u32,
    kind: Kind,
    key: VerifyingKey,
}

impl Verifier {
    fn new(name: &str, kind: Kind, key: VerifyingKey) -> Self {
        Self { name: name.to_owned(), key_id: key_id(name, kind, &key), kind, key }
    }

    /// The verifier of notes that the holder of this public key signs under this name.
    ///
    /// # Errors
    /// [`NoteError::KeyName`], [`NoteError::VerifierKey`].
    pub fn ed25519(name: &str, public_key: &PublicKey) -> Result<Self, NoteError> {
        Self::checked(name, Kind::Text, public_key)
    }

    fn checked(name: &str, kind: Kind, public_key: &PublicKey) -> Result<Self, NoteError> {
        check_name(name)?;
        let key = verifying_key(public_key);
        let key = key.map_err(|UnusableKey { rule }| NoteError::VerifierKey { rule })?;
        Ok(Self::new(name, kind, key))
    }

    /// The name, which stands in each signature line.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number: the first four bytes of `SHA256(name ‖ 0x0A ‖ type ‖ key)`, big-endian.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    pub(super) fn is_named_by(&self, signature: &NoteSignature) -> bool {
        self.key_id == signature.key_id && self.name == signature.name
    }

    pub(super) fn verify(
        &self,
        text: &str,
        signature: &NoteSignature,
    ) -> Result<VerifiedSignature, NoteError> {
        let wrong = || NoteError::Signature { name: self.name.clone() };
        let (signed, time_s, bytes) = match self.kind {
            Kind::Text => (text.to_owned(), None, &signature.bytes[..]),
            Kind::Cosignature => {
                let (time, bytes) = signature.bytes.split_first_chunk().ok_or_else(wrong)?;
                let time_s = u64::from_be_bytes(*time);
                if time_s >= 1 << 63 {
                    return Err(wrong());
                }
                (cosigned(text, time_s), Some(time_s), bytes)
            }
        };
        let ed25519 = Signature::from_slice(bytes).map_err(|_| wrong())?;
        self.key.verify_strict(signed.as_bytes(), &ed25519).map_err(|_| wrong())?;
        Ok(VerifiedSignature { name: self.name.clone(), key_id: self.key_id, time_s })
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.kind as u8], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.key_id, STANDARD.encode(key))
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let wrong = |rule| NoteError::VerifierKey { rule };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("a name, a number and a key are joined by plus signs"));
        };
        let key = STANDARD.decode(key).map_err(|_| wrong("the key is base64"))?;
        let (kind, key) = match key.split_first() {
            Some((0x01, key)) => (Kind::Text, key),
            Some((0x04, key)) => (Kind::Cosignature, key),
            _ => return Err(wrong("the key is of type 1, Ed25519, or 4, cosignature/v1")),
        };
        let key = PublicKey::from_slice(key).ok_or_else(|| wrong("an Ed25519 key has 32 bytes"))?;
        let verifier = Self::checked(name, kind, &key)?;
        if id != format!("{:08x}", verifier.key_id) {
            return Err(wrong("the number is that of the name and the key"));
        }
        Ok(verifier)
    }
}

fn key_id(name: &str, kind: Kind, key: &VerifyingKey) -> u32 {
    let hash =
        Sha256::new().chain_update(name).chain_update([b'\n', kind as u8]).chain_update(key.as_bytes());
    u32::from_be_bytes(*hash.finalize().first_chunk().expect("a digest has 32 bytes"))
}

/// The text that a witness signs.
fn cosigned(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

pub(crate) fn check_name(name: &str) -> Result<(), NoteError> {
    let allowed = |c: char| c != '+' && !c.is_whitespace() && !c.is_control();
    if (1..=255).contains(&name.len()) && name.chars().all(allowed) {
        Ok(())
    } else {
        Err(NoteError::KeyName)
    }
}
