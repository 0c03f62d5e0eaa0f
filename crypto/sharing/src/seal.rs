//! Seals share seeds to their holders.
//!
//! The scheme is HPKE (RFC 9180) in base mode with X-Wing, HKDF-SHA256 and ChaCha20-Poly1305.

use names::{BodyDigest, PublicKey, RoundHash, RoundKeyId, RoundPublicKey, labels};

use crate::{
    commitment::Commitment,
    error::SharingError,
    hybrid::{self, ENCAPSULATED_BYTES, POINT_BYTES},
    round_key::{RoundKeyPair, check_public_key},
    share::ShareSeed,
    small_order::is_small_order,
};

names::secret! {
    /// The randomness of one seal. It is used once: two seeds that are sealed to one key under the
    /// same randomness reveal their difference.
    pub SealRandomness: 64;
}

/// The context to which a sealed seed is bound. The seed opens in no other round, and for no other
/// holder, key, client, body or commitments.
#[derive(Clone, Copy, Debug)]
pub struct SealContext<'a> {
    /// The hash of the round document.
    pub round_hash: &'a RoundHash,
    /// The holder's index in the round document. The aggregator's is 0.
    pub holder: u8,
    /// The id of the holder's key in the round document.
    pub hpke_key_id: &'a RoundKeyId,
    /// The client's Ed25519 key.
    pub client_key: &'a PublicKey,
    /// The digest of the body.
    pub body_digest: &'a BodyDigest,
    /// The commitments to the shares of all holders, at most 255, in the document's order.
    pub commitments: &'a [Commitment],
}

impl SealContext<'_> {
    /// The HPKE associated data: `round_hash ‖ u8 holder ‖ hpke_key_id ‖ client_key ‖ body_digest ‖
    /// u8 count ‖ commitments`.
    fn associated_data(&self) -> Vec<u8> {
        let mut data = self.round_hash.as_bytes().to_vec();
        data.push(self.holder);
        data.extend(self.hpke_key_id.as_bytes());
        data.extend(self.client_key.as_bytes());
        data.extend(self.body_digest.as_bytes());
        data.push(self.commitments.len() as u8);
        self.commitments.iter().for_each(|commitment| data.extend(commitment.encoded().as_bytes()));
        data
    }
}

/// A seed encrypted to one holder, `bytes[1120] enc ‖ bytes[48] ciphertext`. Received bytes are not
/// checked until they are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSeed(pub [u8; Self::BYTES]);

impl SealedSeed {
    /// The length in bytes: the encapsulated key, the encrypted seed and the tag.
    pub const BYTES: usize = ENCAPSULATED_BYTES + 32 + 16;

    /// Checks the rule that needs no key: the X25519 part is not of small order.
    ///
    /// With such a point X25519 would give a secret that everybody knows. Some libraries open these
    /// seals and some do not, so every party refuses them before it opens any.
    ///
    /// # Errors
    /// [`SharingError::SealSmallOrder`].
    pub fn check(&self) -> Result<(), SharingError> {
        let point = self.encapsulated().last_chunk::<POINT_BYTES>().expect("it ends in a point");
        if is_small_order(point) { Err(SharingError::SealSmallOrder) } else { Ok(()) }
    }

    fn encapsulated(&self) -> &[u8; ENCAPSULATED_BYTES] {
        self.0.first_chunk().expect("a sealed seed starts with an encapsulated key")
    }

    fn ciphertext(&self) -> &[u8] {
        &self.0[ENCAPSULATED_BYTES..]
    }
}

/// Encrypts `seed` to the holder with the key `recipient`, and binds it to `context`. The result is
/// a function of the arguments. Constant-time in the seed and the randomness.
///
/// # Errors
/// [`SharingError::RecipientKey`] if [`check_public_key`] refuses the key.
pub fn seal(
    seed: &ShareSeed,
    recipient: &RoundPublicKey,
    context: &SealContext<'_>,
    randomness: &SealRandomness,
) -> Result<SealedSeed, SharingError> {
    check_public_key(recipient)?;
    let (encapsulated, ciphertext) = hybrid::seal(
        recipient.as_bytes(),
        labels::MASK_KEY_SHARE.qualified().as_bytes(),
        seed.as_bytes(),
        &context.associated_data(),
        randomness.as_bytes(),
    )
    .ok_or(SharingError::RecipientKey)?;
    let mut bytes = [0; SealedSeed::BYTES];
    bytes[..ENCAPSULATED_BYTES].copy_from_slice(&encapsulated);
    bytes[ENCAPSULATED_BYTES..].copy_from_slice(&ciphertext);
    Ok(SealedSeed(bytes))
}

/// Decrypts a seed that was sealed to `key` for `context`. Constant-time in the key and the seed.
///
/// # Errors
/// [`SharingError::SealSmallOrder`], which [`SealedSeed::check`] finds without a key, and
/// [`SharingError::SealedSeed`] if the seed was sealed to another key or for another context, or if
/// its bytes were changed afterwards.
pub fn open(
    key: &RoundKeyPair,
    sealed: &SealedSeed,
    context: &SealContext<'_>,
) -> Result<ShareSeed, SharingError> {
    sealed.check()?;
    let opened = hybrid::open(
        key.private().as_bytes(),
        labels::MASK_KEY_SHARE.qualified().as_bytes(),
        sealed.encapsulated(),
        sealed.ciphertext(),
        &context.associated_data(),
    );
    let opened = opened.ok_or(SharingError::SealedSeed)?;
    opened[..].try_into().map(ShareSeed::from_bytes).map_err(|_| SharingError::SealedSeed)
}

#[cfg(test)]
mod tests;
