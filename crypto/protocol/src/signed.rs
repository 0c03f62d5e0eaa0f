//! Messages that end with their signature.

use names::{PublicKey, labels::Label};

use crate::{IdentityKey, Refusal, Signature, codec::Canonical};

/// A structure whose last field is a signature over the encoding of the others.
pub trait Signed: Canonical {
    /// The label under which the signature is made.
    const LABEL: Label;
    /// The name of the structure in a refusal.
    const NAME: &'static str;

    /// The signature, which is the last field.
    fn signature(&mut self) -> &mut Signature;

    /// The same structure, signed by `key`. This replaces an earlier signature.
    fn sign(mut self, key: &IdentityKey) -> Self {
        *self.signature() = key.sign(Self::LABEL, unsigned(&self.to_bytes()));
        self
    }

    /// Checks that `key` signed this structure.
    ///
    /// # Errors
    /// [`Refusal::Signature`].
    fn verify(&self, key: &PublicKey) -> Result<(), Refusal> {
        let bytes = self.to_bytes();
        let signature = Signature(*bytes.last_chunk().expect("an encoding ends with 64 bytes of signature"));
        signature.verify(key, Self::LABEL, unsigned(&bytes), Self::NAME)
    }
}

fn unsigned(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() - 64]
}
