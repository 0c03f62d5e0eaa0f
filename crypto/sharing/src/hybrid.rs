//! HPKE with the hybrid key encapsulation X-Wing.
//!
//! X-Wing joins ML-KEM-768 (FIPS 203) and X25519. What it seals stays closed while one of the two
//! holds. The suite is X-Wing, HKDF-SHA256 and ChaCha20-Poly1305 in base mode (RFC 9180).
//!
//! `hpke` brings another version of the curve crate. This file alone uses `hpke`, and all that
//! enters or leaves the file is bytes.

use std::convert::Infallible;

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha256,
    kem::XWing,
    rand_core::{TryCryptoRng, TryRng},
    single_shot_open, single_shot_seal_with_rng,
};
use zeroize::Zeroizing;

/// The length of a public key in bytes: an ML-KEM-768 encapsulation key, then a point of X25519.
pub(crate) const PUBLIC_KEY_BYTES: usize = 1216;
/// The length in bytes of what gives the shared secret to the owner of a key: an ML-KEM-768
/// ciphertext, then a point of X25519.
pub(crate) const ENCAPSULATED_BYTES: usize = 1120;
/// The length in bytes of a point of X25519, which is at the end of either.
pub(crate) const POINT_BYTES: usize = 32;

/// The public key that belongs to a private one. Constant-time in the private key.
pub(crate) fn public_key(private: &[u8; 32]) -> [u8; PUBLIC_KEY_BYTES] {
    XWing::sk_to_pk(&private_key(private)).to_bytes().into()
}

/// Encrypts `plaintext` to the owner of a key. Returns the encapsulated key and the ciphertext,
/// which is 16 bytes longer than the plaintext. `None` if the key fails the modulus check of FIPS
/// 203 §7.2. Constant-time in plaintext and randomness.
///
/// `randomness` serves for one call: two plaintexts under the same one reveal each other.
pub(crate) fn seal(
    public: &[u8; PUBLIC_KEY_BYTES],
    info: &[u8],
    plaintext: &[u8],
    associated_data: &[u8],
    randomness: &[u8; 64],
) -> Option<([u8; ENCAPSULATED_BYTES], Vec<u8>)> {
    let public = Deserializable::from_bytes(public).ok()?;
    let (encapsulated, ciphertext) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeS::Base,
        &public,
        info,
        plaintext,
        associated_data,
        &mut Given(randomness),
    )
    .ok()?;
    Some((encapsulated.to_bytes().into(), ciphertext))
}

/// Decrypts what [`seal`] returned. `None` if anything differs from what was sealed. ML-KEM rejects
/// implicitly: a wrong ciphertext of it gives another shared secret, under which nothing opens.
/// Constant-time in the private key and the plaintext.
pub(crate) fn open(
    private: &[u8; 32],
    info: &[u8],
    encapsulated: &[u8; ENCAPSULATED_BYTES],
    ciphertext: &[u8],
    associated_data: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        &private_key(private),
        &Deserializable::from_bytes(encapsulated).ok()?,
        info,
        ciphertext,
        associated_data,
    );
    opened.ok().map(Zeroizing::new)
}

fn private_key(private: &[u8; 32]) -> <XWing as Kem>::PrivateKey {
    Deserializable::from_bytes(private).expect("any 32 bytes are a private key of X-Wing")
}

/// A generator that gives these bytes and no more. X-Wing takes all 64 at once.
struct Given<'a>(&'a [u8]);

impl TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let (given, rest) = self.0.split_at(bytes.len());
        bytes.copy_from_slice(given);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::test_vectors::{array, bytes, list, vectors};

    type Shared = ([u8; 32], [u8; ENCAPSULATED_BYTES]);

    fn encapsulate(vector: &Value) -> Shared {
        let public = Deserializable::from_bytes(&bytes(&vector["pk"])).unwrap();
        let (shared, encapsulated) =
            XWing::encap_with_rng(&public, None, &mut Given(&bytes(&vector["eseed"]))).unwrap();
        (shared.0.into(), encapsulated.to_bytes().into())
    }

    #[test]
    fn the_vectors_of_draft_connolly_cfrg_xwing_kem() {
        for vector in list("x_wing", 3) {
            let seed = array(&vector["seed"]);
            assert_eq!(public_key(&seed), array(&vector["pk"]));
            let (shared, encapsulated) = (array::<32>(&vector["ss"]), array(&vector["ct"]));
            assert_eq!(encapsulate(&vector), (shared, encapsulated));
            let encapsulated = Deserializable::from_bytes(&encapsulated).unwrap();
            let opened = XWing::decap(&private_key(&seed), None, &encapsulated).unwrap();
            assert_eq!(opened.0.as_slice(), shared);
        }
    }

    #[test]
    fn the_vector_of_draft_ietf_hpke_pq_for_this_suite() {
        let vector = &vectors()["hpke"];
        let [info, data, plaintext, ciphertext] =
            ["info", "aad", "pt", "ct"].map(|field| bytes(&vector[field]));
        let (private, encapsulated) = (array(&vector["skRm"]), array(&vector["enc"]));
        assert_eq!(public_key(&private), array(&vector["pkRm"]));
        let sealed =
            seal(&array(&vector["pkRm"]), &info, &plaintext, &data, &array(&vector["ikmE"])).unwrap();
        assert_eq!(sealed, (encapsulated, ciphertext.clone()));
        let opened = open(&private, &info, &encapsulated, &ciphertext, &data).unwrap();
        assert_eq!(*opened, plaintext);
    }

    /// FIPS 203 §6.3: decapsulation never fails. `hpke` must not turn the wrong secret into an
    /// error of another kind, nor may it accept what the right secret did not encrypt.
    #[test]
    fn a_wrong_ml_kem_ciphertext_gives_another_secret_and_no_error() {
        let vector = &list("x_wing", 3)[0];
        let (private, mut encapsulated) =
            (array(&vector["seed"]), array::<ENCAPSULATED_BYTES>(&vector["ct"]));
        encapsulated[0] ^= 1;
        let decap = || {
            let encapsulated = Deserializable::from_bytes(&encapsulated).unwrap();
            XWing::decap(&private_key(&private), None, &encapsulated).unwrap().0
        };
        assert_ne!(decap().as_slice(), array::<32>(&vector["ss"]));
        assert_eq!(decap(), decap(), "the same wrong ciphertext gives the same wrong secret");
    }
}
