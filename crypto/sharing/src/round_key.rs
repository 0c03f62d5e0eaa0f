//! The key pair that a holder makes for one round.

use std::fmt;

use names::{Name, RoundKeyId, RoundPublicKey};
use rand::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    error::SharingError,
    hybrid::{self, POINT_BYTES, PUBLIC_KEY_BYTES},
    small_order::is_small_order,
};

/// The modulus of ML-KEM.
const ML_KEM_MODULUS: u16 = 3329;
/// The coefficients in an ML-KEM-768 encapsulation key, 12 bits each. After them is a seed of 32
/// bytes.
const COEFFICIENT_BYTES: usize = 1152;

names::secret! {
    /// The private half of a holder's HPKE key for one round: the seed of an X-Wing key.
    pub RoundPrivateKey: 32;
}

/// A holder's HPKE key pair. It is made for one round and destroyed when the holder releases its
/// key sums.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RoundKeyPair {
    #[zeroize(skip)]
    id: RoundKeyId,
    #[zeroize(skip)]
    public: RoundPublicKey,
    private: RoundPrivateKey,
}

impl RoundKeyPair {
    /// Draws a key pair and its id at random.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut id = [0; RoundKeyId::LENGTH];
        rng.fill_bytes(&mut id);
        Self::from_private(id.into(), RoundPrivateKey::generate(rng))
    }

    /// Restores a key pair from the id and the private key that a vault holds.
    pub fn from_private(id: RoundKeyId, private: RoundPrivateKey) -> Self {
        let public = RoundPublicKey::from_bytes(hybrid::public_key(private.as_bytes()));
        Self { id, public, private }
    }

    /// The id that names this key in the round document.
    pub fn id(&self) -> &RoundKeyId {
        &self.id
    }

    /// The public half.
    pub fn public(&self) -> &RoundPublicKey {
        &self.public
    }

    /// The secret private half, to be stored in a vault.
    pub fn private(&self) -> &RoundPrivateKey {
        &self.private
    }
}

impl fmt::Debug for RoundKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoundKeyPair").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Checks that seeds may be sealed to a key: its ML-KEM half passes the modulus check of FIPS 203
/// §7.2, and its X25519 half is not of small order.
///
/// The rule is written out here, and does not follow from what a library accepts, so that every
/// party and every version decides alike.
///
/// # Errors
/// [`SharingError::RecipientKey`].
pub fn check_public_key(key: &RoundPublicKey) -> Result<(), SharingError> {
    const { assert!(PUBLIC_KEY_BYTES == COEFFICIENT_BYTES + 32 + POINT_BYTES) };
    let point = key.as_bytes().last_chunk::<POINT_BYTES>().expect("a key is longer than a point");
    let reduced = key.as_bytes()[..COEFFICIENT_BYTES].chunks_exact(3).all(|pair| {
        let [low, middle, high] = [pair[0], pair[1], pair[2]].map(u16::from);
        let coefficients = [low | (middle & 15) << 8, middle >> 4 | high << 4];
        coefficients.iter().all(|&coefficient| coefficient < ML_KEM_MODULUS)
    });
    if reduced && !is_small_order(point) { Ok(()) } else { Err(SharingError::RecipientKey) }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::test_vectors::{array, list, spoil};

    #[test]
    fn our_own_keys_are_those_of_the_vectors_and_may_be_sealed_to() {
        for vector in list("own", 2) {
            let key = RoundKeyPair::from_private([0; 16].into(), array(&vector["private"]).into());
            assert_eq!(key.public().as_bytes(), &array(&vector["public"]));
            assert_eq!(check_public_key(key.public()), Ok(()));
        }
    }

    #[test]
    fn keys_of_small_order_and_keys_beyond_the_modulus_are_refused() {
        let sound: [u8; PUBLIC_KEY_BYTES] = array(&list("own", 2)[0]["public"]);
        for fault in list("refused_keys", 18) {
            let mut key = sound;
            let name = spoil(&mut key, &fault);
            assert_eq!(check_public_key(&key.into()), Err(SharingError::RecipientKey), "{name}");
        }
    }

    #[test]
    fn a_key_of_zeros_is_refused() {
        let zeros = RoundPublicKey::from_bytes([0; PUBLIC_KEY_BYTES]);
        assert_eq!(check_public_key(&zeros), Err(SharingError::RecipientKey));
    }

    /// Sealing to a key that fails the modulus check fails in the library too. The rule here and
    /// the library's agree on every value of one coefficient.
    #[test]
    fn the_modulus_check_is_that_of_fips_203() {
        let mut rng = StdRng::seed_from_u64(1);
        let sound = *RoundKeyPair::generate(&mut rng).public().as_bytes();
        for value in [0, 1, 3327, 3328, 3329, 3330, 4094, 4095_u16] {
            let (mut key, index) = (sound, 3 * rng.gen_range(0..COEFFICIENT_BYTES / 3));
            key[index] = value as u8;
            key[index + 1] = key[index + 1] & 0xf0 | (value >> 8) as u8;
            let library = hybrid::seal(&key, &[], &[], &[], &[7; 64]);
            assert_eq!(check_public_key(&key.into()).is_ok(), library.is_some(), "{value} at byte {index}");
            assert_eq!(library.is_some(), value < ML_KEM_MODULUS);
        }
    }

    #[test]
    fn debug_shows_no_private_key() {
        let key = RoundKeyPair::from_private([0; 16].into(), [0xab; 32].into());
        assert_eq!(format!("{key:?}"), format!("RoundKeyPair {{ id: RoundKeyId({}), .. }}", "00".repeat(16)));
    }
}
