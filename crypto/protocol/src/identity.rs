//! Ed25519 identities. Every signature covers a label and a message. The check is strict (RFC
//! 8032): keys of small order are refused, and encodings of a key, of R or of S that are not
//! canonical.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use ledger::verifying_key;
use names::{
    PublicKey, SecretKey,
    labels::{self, Label},
};
use rand::{CryptoRng, RngCore};

use crate::{
    Refusal,
    codec::{DecodeError, Reader},
};

/// A signing key. Zeroised on drop.
pub struct IdentityKey(SigningKey);

impl IdentityKey {
    /// Draws a new key.
    pub fn generate(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        Self(SigningKey::generate(rng))
    }

    /// The key with this RFC 8032 secret.
    pub fn from_secret(secret: &SecretKey) -> Self {
        Self(SigningKey::from_bytes(secret.as_bytes()))
    }

    /// The RFC 8032 secret, to be stored in a key file.
    pub fn secret(&self) -> SecretKey {
        SecretKey::from_bytes(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` under `label`.
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        Signature(self.0.sign(&labelled(label, message)).to_bytes())
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({:?})", self.public())
    }
}

/// An Ed25519 signature. The bytes are checked only by [`verify`](Self::verify).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Stands in a structure until it is signed. It verifies under no key.
    pub const BLANK: Self = Self([0; 64]);

    /// Checks the signature of `key` over `message` under `label`, strictly. Variable-time, because
    /// everything here is public.
    ///
    /// # Errors
    /// [`Refusal::Signature`] with `of`, the name of the signed structure.
    pub fn verify(
        &self,
        key: &PublicKey,
        label: Label,
        message: &[u8],
        of: &'static str,
    ) -> Result<(), Refusal> {
        let key = verifying_key(key).map_err(|_| Refusal::Signature { of })?;
        let signature = ed25519_dalek::Signature::from_bytes(&self.0);
        key.verify_strict(&labelled(label, message), &signature).map_err(|_| Refusal::Signature { of })
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array("signature").map(Self)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

fn labelled(label: Label, message: &[u8]) -> Vec<u8> {
    let mut bytes = labels::prefix(label);
    bytes.extend_from_slice(message);
    bytes
}
