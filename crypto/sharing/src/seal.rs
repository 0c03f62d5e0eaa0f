//! Seals share seeds to their holders.
//!
//! The scheme is HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
//! ChaCha20-Poly1305.

use std::fmt;

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal,
};
use names::{BodyDigest, Name, PublicKey, RoundHash, RoundKeyId, RoundPublicKey, labels};
use rand::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{commitment::Commitment, error::SharingError, share::ShareSeed};

const ENCAPSULATED_BYTES: usize = 32;

names::secret! {
    /// The X25519 private half of a holder's HPKE key for one round.
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
        let (mut id, mut seed) = ([0; RoundKeyId::LENGTH], Zeroizing::new([0; 32]));
        rng.fill_bytes(&mut id);
        rng.fill_bytes(&mut seed[..]);
        let (private, _) = X25519HkdfSha256::derive_keypair(&seed[..]);
        Self::from_private(id.into(), RoundPrivateKey::from_bytes(private.to_bytes().into()))
    }

    /// Restores a key pair from the id and the private key that a vault holds.
    pub fn from_private(id: RoundKeyId, private: RoundPrivateKey) -> Self {
        let public = X25519HkdfSha256::sk_to_pk(&private_key(&private)).to_bytes();
        Self { id, public: RoundPublicKey::from_bytes(public.into()), private }
    }

    /// The id that names this key in the round document.
    pub fn id(&self) -> &RoundKeyId {
        &self.id
    }

    /// The X25519 public key.
    pub fn public(&self) -> &RoundPublicKey {
        &self.public
    }

    /// The secret X25519 private key, to be stored in a vault.
    pub fn private(&self) -> &RoundPrivateKey {
        &self.private
    }
}

impl fmt::Debug for RoundKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoundKeyPair").field("id", &self.id).finish_non_exhaustive()
    }
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

/// A seed encrypted to one holder, `bytes[32] enc ‖ bytes[48] ciphertext`. Received bytes are not
/// checked until they are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSeed(pub [u8; Self::BYTES]);

impl SealedSeed {
    /// The length in bytes: the encapsulated key, the encrypted seed and the tag.
    pub const BYTES: usize = ENCAPSULATED_BYTES + 32 + 16;
}

/// Encrypts `seed` to the holder with the X25519 key `recipient`, and binds it to `context`.
/// Constant-time in the seed.
///
/// # Errors
/// [`SharingError::RecipientKey`] if the key is a point of small order.
pub fn seal<R: RngCore + CryptoRng>(
    seed: &ShareSeed,
    recipient: &RoundPublicKey,
    context: &SealContext<'_>,
    rng: &mut R,
) -> Result<SealedSeed, SharingError> {
    let recipient =
        Deserializable::from_bytes(recipient.as_bytes()).map_err(|_| SharingError::RecipientKey)?;
    let (encapsulated, ciphertext) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256, _>(
        &OpModeS::Base,
        &recipient,
        labels::MASK_KEY_SHARE.qualified().as_bytes(),
        seed.as_bytes(),
        &context.associated_data(),
        &mut HpkeRng(rng),
    )
    .map_err(|_| SharingError::RecipientKey)?;
    let mut bytes = [0; SealedSeed::BYTES];
    bytes[..ENCAPSULATED_BYTES].copy_from_slice(&encapsulated.to_bytes());
    bytes[ENCAPSULATED_BYTES..].copy_from_slice(&ciphertext);
    Ok(SealedSeed(bytes))
}

/// Decrypts a seed that was sealed to `key` for `context`. Constant-time in the key and the seed.
///
/// # Errors
/// [`SharingError::SealedSeed`] if the seed was sealed to another key or for another context, or if
/// its bytes were changed afterwards.
pub fn open(
    key: &RoundKeyPair,
    sealed: &SealedSeed,
    context: &SealContext<'_>,
) -> Result<ShareSeed, SharingError> {
    let (encapsulated, ciphertext) = sealed.0.split_at(ENCAPSULATED_BYTES);
    let encapsulated = Deserializable::from_bytes(encapsulated).map_err(|_| SharingError::SealedSeed)?;
    let opened = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private_key(&key.private),
        &encapsulated,
        labels::MASK_KEY_SHARE.qualified().as_bytes(),
        ciphertext,
        &context.associated_data(),
    )
    .map(Zeroizing::new)
    .map_err(|_| SharingError::SealedSeed)?;
    opened[..].try_into().map(ShareSeed::from_bytes).map_err(|_| SharingError::SealedSeed)
}

fn private_key(key: &RoundPrivateKey) -> <X25519HkdfSha256 as Kem>::PrivateKey {
    Deserializable::from_bytes(key.as_bytes()).expect("any 32 bytes are an X25519 private key")
}

/// Adapts the caller's generator to the traits that HPKE requires.
struct HpkeRng<'a, R>(&'a mut R);

impl<R: RngCore> rand_hpke::RngCore for HpkeRng<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

impl<R: RngCore + CryptoRng> rand_hpke::CryptoRng for HpkeRng<'_, R> {}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};
    use testkit::flip;

    use super::*;
    use crate::test_shares::share;

    /// The context of a sealed seed, owned, so that a test can change each field.
    #[derive(Clone)]
    struct Binding {
        round_hash: RoundHash,
        holder: u8,
        hpke_key_id: RoundKeyId,
        client_key: PublicKey,
        body_digest: BodyDigest,
        commitments: Vec<Commitment>,
    }

    impl Binding {
        fn of(key: &RoundKeyPair) -> Self {
            Self {
                round_hash: [1; 32].into(),
                holder: 1,
                hpke_key_id: *key.id(),
                client_key: [2; 32].into(),
                body_digest: [3; 32].into(),
                commitments: vec![share(0).commit(), share(1).commit()],
            }
        }

        fn context(&self) -> SealContext<'_> {
            SealContext {
                round_hash: &self.round_hash,
                holder: self.holder,
                hpke_key_id: &self.hpke_key_id,
                client_key: &self.client_key,
                body_digest: &self.body_digest,
                commitments: &self.commitments,
            }
        }
    }

    fn key(seed: u64) -> RoundKeyPair {
        RoundKeyPair::generate(&mut StdRng::seed_from_u64(seed))
    }

    fn seal_to(key: &RoundKeyPair, binding: &Binding) -> SealedSeed {
        let seed = ShareSeed::from_bytes([7; 32]);
        seal(&seed, key.public(), &binding.context(), &mut StdRng::seed_from_u64(0)).expect("the key is good")
    }

    /// The bytes of the opened seed.
    fn opened(key: &RoundKeyPair, sealed: &SealedSeed, binding: &Binding) -> Result<Vec<u8>, SharingError> {
        open(key, sealed, &binding.context()).map(|seed| seed.as_bytes().to_vec())
    }

    #[test]
    fn a_sealed_seed_opens_with_the_key_pair_and_its_copy_from_a_vault() {
        let key = key(1);
        let binding = Binding::of(&key);
        let sealed = seal_to(&key, &binding);
        assert_eq!(opened(&key, &sealed, &binding), Ok(vec![7; 32]));
        let restored = RoundKeyPair::from_private(*key.id(), (*key.private().as_bytes()).into());
        assert_eq!(restored.public(), key.public());
        assert_eq!(opened(&restored, &sealed, &binding), Ok(vec![7; 32]));
    }

    #[test]
    fn sealing_twice_gives_other_bytes() {
        let key = key(1);
        let binding = Binding::of(&key);
        let mut rng = StdRng::seed_from_u64(0);
        let mut seal = || seal(&ShareSeed::from_bytes([7; 32]), key.public(), &binding.context(), &mut rng);
        let (first, second) = (seal().unwrap(), seal().unwrap());
        assert!(first.0.chunks(16).zip(second.0.chunks(16)).all(|(a, b)| a != b));
    }

    /// Info and associated data are written out as the wire format defines them.
    #[test]
    fn sealed_seeds_are_rfc_9180_with_the_info_and_data_of_the_wire_format() {
        let key = key(1);
        let binding = Binding::of(&key);
        let sealed = seal_to(&key, &binding);
        let [first, second] = [0, 1].map(|client| share(client).commit().encoded());
        let (id, first, second) = (key.id().as_bytes(), first.as_bytes(), second.as_bytes());
        let data = [&[1; 32][..], &[1], id, &[2; 32], &[3; 32], &[2], first, second].concat();
        let seed = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private_key(key.private()),
            &Deserializable::from_bytes(&sealed.0[..32]).unwrap(),
            b"blindsum/v1/mask-key-share",
            &sealed.0[32..],
            &data,
        );
        assert_eq!(seed.unwrap(), [7; 32]);
    }

    #[test]
    fn a_flipped_bit_anywhere_in_the_sealed_seed_is_refused() {
        let key = key(1);
        let binding = Binding::of(&key);
        let sealed = seal_to(&key, &binding);
        for bit in 0..8 * SealedSeed::BYTES {
            let mut tampered = sealed;
            tampered.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opened(&key, &tampered, &binding), Err(SharingError::SealedSeed), "bit {bit}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_in_the_context_is_refused() {
        let key = key(1);
        let binding = Binding::of(&key);
        let sealed = seal_to(&key, &binding);
        type Flip = fn(&mut Binding, usize);
        let fields: [(usize, Flip); 5] = [
            (RoundHash::LENGTH, |binding, bit| flip(&mut binding.round_hash, bit)),
            (1, |binding, bit| binding.holder ^= 1 << bit),
            (RoundKeyId::LENGTH, |binding, bit| flip(&mut binding.hpke_key_id, bit)),
            (PublicKey::LENGTH, |binding, bit| flip(&mut binding.client_key, bit)),
            (BodyDigest::LENGTH, |binding, bit| flip(&mut binding.body_digest, bit)),
        ];
        for (number, (length, flip)) in fields.into_iter().enumerate() {
            for byte in 0..length {
                let mut tampered = binding.clone();
                flip(&mut tampered, 8 * byte + byte % 8);
                let refused = opened(&key, &sealed, &tampered);
                assert_eq!(refused, Err(SharingError::SealedSeed), "field {number}, byte {byte}");
            }
        }
    }

    #[test]
    fn other_commitments_are_refused() {
        let key = key(1);
        let binding = Binding::of(&key);
        let sealed = seal_to(&key, &binding);
        let [own, other, strange] = [share(0).commit(), share(1).commit(), share(2).commit()];
        let changed = [
            vec![],
            vec![own],
            vec![other, own],
            vec![strange, other],
            vec![own, strange],
            vec![own, other, strange],
        ];
        for commitments in changed {
            let tampered = Binding { commitments, ..binding.clone() };
            assert_eq!(opened(&key, &sealed, &tampered), Err(SharingError::SealedSeed));
        }
    }

    #[test]
    fn another_key_does_not_open_even_under_the_same_id() {
        let (key, other) = (key(1), key(2));
        let binding = Binding::of(&key);
        let sealed = seal_to(&key, &binding);
        let disguised = RoundKeyPair::from_private(*key.id(), (*other.private().as_bytes()).into());
        assert_eq!(opened(&disguised, &sealed, &binding), Err(SharingError::SealedSeed));
    }

    #[test]
    fn points_of_small_order_are_refused_on_either_side() {
        let key = key(1);
        let binding = Binding::of(&key);
        let mut one = [0; 32];
        one[0] = 1;
        for small in [[0; 32], one] {
            let seed = ShareSeed::from_bytes([7; 32]);
            let refused = seal(&seed, &small.into(), &binding.context(), &mut StdRng::seed_from_u64(0));
            assert_eq!(refused, Err(SharingError::RecipientKey));
            let mut sealed = seal_to(&key, &binding);
            sealed.0[..32].copy_from_slice(&small);
            assert_eq!(opened(&key, &sealed, &binding), Err(SharingError::SealedSeed));
        }
    }

    #[test]
    fn debug_shows_no_private_key() {
        let key = RoundKeyPair::from_private([0; 16].into(), [0xab; 32].into());
        assert_eq!(format!("{key:?}"), format!("RoundKeyPair {{ id: RoundKeyId({}), .. }}", "00".repeat(16)));
    }
}
