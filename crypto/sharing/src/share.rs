//! Seeds of key shares, and the shares that they expand to.

use std::fmt;

use curve25519_dalek::Scalar;
use lattice::{
    SmallPoly,
    expand::{Purpose, SecretStream, SecretStreamKey},
    sample,
};
use names::{PublicKey, RoundHash, labels};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

names::secret! {
    /// The 32 secret bytes from which a client and one holder expand the same key share.
    pub ShareSeed: 32;
}

/// One holder's share (s, ρ) of a client's mask key: a polynomial s with |s_k| ≤ 32, and the
/// blinding ρ of its commitment.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct KeyShare {
    coefficients: SmallPoly,
    blinding: Scalar,
}

impl KeyShare {
    /// Expands `seed` for one round, client and holder. `holder` is the index in the round
    /// document. The aggregator's is 0.
    ///
    /// Two ChaCha20 streams have the key `H("key-share", round_hash ‖ client_key ‖ u8 holder ‖
    /// seed)`. The first gives s, the centred binomial share. The first 64 bytes of the second,
    /// reduced modulo ℓ, give ρ. Constant-time.
    pub fn derive(seed: &ShareSeed, round_hash: &RoundHash, client_key: &PublicKey, holder: u8) -> Self {
        let parts: [&[u8]; 4] = [round_hash.as_bytes(), client_key.as_bytes(), &[holder], seed.as_bytes()];
        let stream_key: SecretStreamKey = labels::hash(labels::KEY_SHARE, &parts);
        let mut wide = Zeroizing::new([0; 64]);
        SecretStream::new(&stream_key, 0, Purpose::BLINDING).fill_bytes(&mut wide[..]);
        Self {
            coefficients: sample::key_share(&stream_key),
            blinding: Scalar::from_bytes_mod_order_wide(&wide),
        }
    }

    /// The polynomial s.
    pub fn coefficients(&self) -> &SmallPoly {
        &self.coefficients
    }

    /// The blinding ρ.
    pub fn blinding(&self) -> &Scalar {
        &self.blinding
    }
}

impl fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyShare(redacted)")
    }
}

#[cfg(test)]
impl KeyShare {
    /// A share with these values, which need not come from a seed.
    pub(crate) fn from_parts(coefficients: &[i16], blinding: Scalar) -> Self {
        let coefficients = SmallPoly::from_coefficients(coefficients).expect("N coefficients");
        Self { coefficients, blinding }
    }
}

#[cfg(test)]
mod tests {
    use names::decode_hex;
    use sha2::{Digest, Sha256};

    use super::*;

    fn parts(share: &KeyShare) -> (Vec<i16>, Scalar) {
        (share.coefficients().coefficients().to_vec(), *share.blinding())
    }

    /// An independent program computed these from the formulas of `docs/wire-formats.md` alone.
    #[test]
    fn expansion_is_that_of_the_wire_format() {
        let share = KeyShare::derive(&[3; 32].into(), &[1; 32].into(), &[2; 32].into(), 1);
        let (coefficients, blinding) = parts(&share);
        assert_eq!(coefficients[..8], [3, -11, 6, 3, -1, -5, 4, -7]);
        let bytes: Vec<u8> = coefficients.iter().flat_map(|s| s.to_le_bytes()).collect();
        let expected = decode_hex("661d85c64cf71c8498eb7177082d41d52e704edbc6a0d1b3513308b5a228223e");
        assert_eq!(Ok(Sha256::digest(bytes).into()), expected);
        let expected = decode_hex("9c8e95958d27b2a11bd83e07ffedb05ab24c1506b2360117bce88aa06a5bf901");
        assert_eq!(Ok(blinding.to_bytes()), expected);
        let expected = "26086fe7c089014544fe620293807ef2dd50488e3dc09b915bb72a42ec224414";
        assert_eq!(share.commit().encoded().to_string(), expected);
    }

    #[test]
    fn another_seed_round_client_or_holder_gives_another_share() {
        let derive = |seed, round, client, holder| {
            let (round_hash, client_key) = ([round; 32].into(), [client; 32].into());
            parts(&KeyShare::derive(&[seed; 32].into(), &round_hash, &client_key, holder))
        };
        let (coefficients, blinding) = derive(1, 2, 3, 4);
        for (seed, round, client, holder) in
            [(9, 2, 3, 4), (1, 9, 3, 4), (1, 2, 9, 4), (1, 2, 3, 9), (1, 3, 2, 4)]
        {
            let (other_coefficients, other_blinding) = derive(seed, round, client, holder);
            assert_ne!(coefficients, other_coefficients);
            assert_ne!(blinding, other_blinding);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let seed = ShareSeed::from_bytes([0xab; 32]);
        assert_eq!(format!("{seed:?}"), "ShareSeed(redacted)");
        assert_eq!(
            format!("{:?}", KeyShare::derive(&seed, &[0; 32].into(), &[0; 32].into(), 0)),
            "KeyShare(redacted)"
        );
    }
}
