//! The randomness of a contribution, hedged.
//!
//! Nothing random in a contribution comes from the generator alone. A key K₀ is derived from fresh
//! bytes of the generator *and* the participant's identity secret, and bound to the round, the
//! update, the weight and the number of the attempt. It gives the rounding. K₁ is derived from it
//! and bound to the rounded integers. It gives everything else: seeds, errors, the randomness of
//! seals, the contribution id and the prover's generator.
//!
//! A generator may repeat itself, for example in a copied virtual machine. Then the same update
//! gives the same contribution, byte for byte, and another update gives a contribution that has
//! nothing in common with the first. The same key with other errors never exists.

use hkdf::Hkdf;
use lattice::expand::{Purpose, SecretStream, SecretStreamKey};
use names::{
    ContributionId, RoundHash, SecretKey,
    labels::{self, Label},
};
use rand::{CryptoRng, RngCore};
use sha2_zeroizing::Sha256;
use sharing::{SealRandomness, ShareSeed};
use zeroize::Zeroizing;

/// Coordinates that are digested at a time.
const PIECE: usize = 4096;

names::secret! {
    /// K₀, the secret of one attempt.
    pub(crate) AttemptSecret: 32;
    /// K₁, the secret of the contribution that masks certain integers.
    pub(crate) ContributionSecret: 32;
    /// Bytes of the generator, and after them the identity secret.
    Keying: 64;
    /// BLAKE3 of coordinates. It tells which update it is to anyone who can guess the update.
    CoordinatesDigest: 32;
}

/// What K₀ is bound to.
pub(crate) struct AttemptContext<'a> {
    pub(crate) round_hash: &'a RoundHash,
    pub(crate) update: &'a [f32],
    pub(crate) weight: u32,
    pub(crate) number: u32,
}

impl AttemptSecret {
    /// Takes 32 bytes from `rng`. Constant-time in all secrets.
    pub(crate) fn derive(
        identity: &SecretKey,
        context: &AttemptContext<'_>,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Self {
        let mut keying = Keying::from_bytes([0; 64]);
        rng.fill_bytes(&mut keying.0[..32]);
        keying.0[32..].copy_from_slice(identity.as_bytes());
        let digest = CoordinatesDigest::of(context.update, |x| x.to_le_bytes());
        let fields = [
            &context.round_hash.as_bytes()[..],
            digest.as_bytes(),
            &context.weight.to_le_bytes(),
            &context.number.to_le_bytes(),
        ];
        Self(*expand(&Hkdf::new(None, keying.as_bytes()), labels::ATTEMPT, &fields))
    }

    /// The key of the stochastic rounding.
    pub(crate) fn rounding(&self) -> SecretStreamKey {
        SecretStreamKey::from_bytes(*from_key(&self.0, labels::ROUNDING, &[]))
    }

    /// The secret of the contribution that masks these integers.
    pub(crate) fn contribution(self, integers: &[i32]) -> ContributionSecret {
        let digest = CoordinatesDigest::of(integers, |x| x.to_le_bytes());
        ContributionSecret(*from_key(&self.0, labels::CONTRIBUTION_SECRET, &[digest.as_bytes()]))
    }
}

impl ContributionSecret {
    /// The seed of a holder's share.
    pub(crate) fn share_seed(&self, holder: u8) -> ShareSeed {
        ShareSeed::from_bytes(*from_key(&self.0, labels::SHARE_SEED, &[&[holder]]))
    }

    /// The key of the stream of errors.
    pub(crate) fn errors(&self) -> SecretStreamKey {
        SecretStreamKey::from_bytes(*from_key(&self.0, labels::ERRORS, &[]))
    }

    /// The randomness with which the seed of a holder is sealed.
    pub(crate) fn seal_randomness(&self, holder: u8) -> SealRandomness {
        SealRandomness::from_bytes(*from_key(&self.0, labels::SEAL_RANDOMNESS, &[&[holder]]))
    }

    /// The contribution id.
    pub(crate) fn contribution_id(&self) -> ContributionId {
        ContributionId::from_bytes(*from_key(&self.0, labels::CONTRIBUTION_ID, &[]))
    }

    /// The prover's generator.
    pub(crate) fn prover(&self) -> ProverRng {
        let key = SecretStreamKey::from_bytes(*from_key(&self.0, labels::PROVER, &[]));
        ProverRng(SecretStream::new(&key, 0, Purpose::PROVER))
    }
}

impl CoordinatesDigest {
    fn of<T: Copy>(coordinates: &[T], bytes: impl Fn(T) -> [u8; 4]) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mut piece = Zeroizing::new(Vec::with_capacity(4 * PIECE));
        for coordinates in coordinates.chunks(PIECE) {
            piece.clear();
            coordinates.iter().for_each(|&x| piece.extend(bytes(x)));
            hasher.update(&piece);
        }
        Self(hasher.finalize().into())
    }
}

/// HKDF-Expand (RFC 5869) with SHA-256, where the key is the pseudorandom key.
fn from_key<const N: usize>(key: &[u8; 32], label: Label, fields: &[&[u8]]) -> Zeroizing<[u8; N]> {
    expand(&Hkdf::from_prk(key).expect("32 bytes are a key for SHA-256"), label, fields)
}

/// `HKDF-Expand(key, prefix(label) ‖ fields, N)`, N ≤ 64. Fields have fixed lengths.
fn expand<const N: usize>(key: &Hkdf<Sha256>, label: Label, fields: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let info = [&labels::prefix(label), &fields.concat()[..]].concat();
    let mut expanded = Zeroizing::new([0; N]);
    key.expand(&info, &mut expanded[..]).expect("HKDF expands to 64 bytes and more");
    expanded
}

/// A generator whose output follows from K₁. `Debug` is not implemented, as for the stream in it.
pub(crate) struct ProverRng(SecretStream);

impl RngCore for ProverRng {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for ProverRng {}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn secret() -> AttemptSecret {
        /// Gives 0, 1, 2, …
        struct Counting(u8);
        impl RngCore for Counting {
            fn next_u32(&mut self) -> u32 {
                unreachable!("only bytes are drawn")
            }

            fn next_u64(&mut self) -> u64 {
                unreachable!("only bytes are drawn")
            }

            fn fill_bytes(&mut self, bytes: &mut [u8]) {
                bytes.iter_mut().for_each(|byte| {
                    *byte = self.0;
                    self.0 += 1;
                });
            }

            fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
                self.fill_bytes(bytes);
                Ok(())
            }
        }
        impl CryptoRng for Counting {}

        let round_hash = RoundHash::from_bytes([0x22; 32]);
        let context =
            AttemptContext { round_hash: &round_hash, update: &[1.5, -2.0, 0.25], weight: 3, number: 1 };
        AttemptSecret::derive(&SecretKey::from_bytes([0x11; 32]), &context, &mut Counting(0))
    }

    /// An independent program computed these from the formulas of `docs/wire-formats.md` alone.
    #[test]
    fn secrets_are_those_of_the_wire_format() {
        let attempt = secret();
        let hex = |bytes: &[u8]| hex::encode(bytes);
        assert_eq!(
            hex(attempt.rounding().as_bytes()),
            "466d04aab98b3be63ec029189546ca45dfcfe936f1533f7fff3f12cc86b1dc60"
        );
        let contribution = attempt.contribution(&[5, -6, 7]);
        assert_eq!(
            hex(contribution.share_seed(1).as_bytes()),
            "38f889f4dc68fb0dfb95d4baaeb24317f488a526b2001a7af4c493efadf88e3f"
        );
        assert_eq!(
            hex(contribution.errors().as_bytes()),
            "8d9e1561051e517ca576cc72e354f6abcc8d283d2c951bce65f66db4d0e968af"
        );
        assert_eq!(
            hex(contribution.seal_randomness(0).as_bytes()),
            "1f5091ecc554b405a4ce78027881a893a41adaae6958dbe6237fa256c338a9cb\
             d5bfd3bd713c75861f4075c209bb79f7f89ca9d0f14ebba8c24c9b7c38259cad"
        );
        assert_eq!(contribution.contribution_id().to_string(), "4c8cfc552eb9e6c2880b0c52cdf8fed8");
        let mut nonces = [0; 16];
        contribution.prover().fill_bytes(&mut nonces);
        assert_eq!(hex(&nonces), "b3674878ec51f82591a2d853f2b868cd");
    }

    #[test]
    fn nothing_of_one_purpose_or_holder_is_that_of_another() {
        let contribution = secret().contribution(&[5, -6, 7]);
        let mut all = vec![*contribution.errors().as_bytes()];
        for holder in 0..8 {
            all.push(*contribution.share_seed(holder).as_bytes());
            let randomness = contribution.seal_randomness(holder);
            let (first, second) = randomness.as_bytes().split_at(32);
            all.extend([first, second].map(|half| <[u8; 32]>::try_from(half).unwrap()));
        }
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn every_input_changes_the_secret() {
        let derive = |identity: u8, round: u8, update: &[f32], weight, number, state: u64| {
            let round_hash = RoundHash::from_bytes([round; 32]);
            let context = AttemptContext { round_hash: &round_hash, update, weight, number };
            let identity = SecretKey::from_bytes([identity; 32]);
            AttemptSecret::derive(&identity, &context, &mut StdRng::seed_from_u64(state)).0
        };
        let (update, other) = ([1.0, 2.0], [1.0, 2.0_f32.next_up()]);
        let secrets = [
            derive(1, 2, &update, 3, 4, 5),
            derive(9, 2, &update, 3, 4, 5),
            derive(1, 9, &update, 3, 4, 5),
            derive(1, 2, &other, 3, 4, 5),
            derive(1, 2, &update[..1], 3, 4, 5),
            derive(1, 2, &update, 9, 4, 5),
            derive(1, 2, &update, 3, 9, 5),
            derive(1, 2, &update, 3, 4, 9),
            derive(1, 2, &update, 4, 3, 5),
        ];
        for (index, secret) in secrets.iter().enumerate() {
            assert!(!secrets[..index].contains(secret), "{index}");
        }
        assert_eq!(secrets[0], derive(1, 2, &update, 3, 4, 5));
    }

    #[test]
    fn debug_shows_no_secret() {
        let attempt = secret();
        assert_eq!(format!("{attempt:?}"), "AttemptSecret(redacted)");
        assert_eq!(format!("{:?}", attempt.contribution(&[])), "ContributionSecret(redacted)");
    }
}
