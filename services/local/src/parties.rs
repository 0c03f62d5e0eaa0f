//! The keys of all parties, and the secrets between them.

use std::fmt;

use names::Subject;
use protocol::{Credential, IdentityKey, Pins};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

/// The epoch of all credentials.
pub const EPOCH: u32 = 1;

/// The keys and tokens of an installation.
pub struct Parties {
    /// The aggregator's key.
    pub aggregator: IdentityKey,
    /// The combiner's key.
    pub combiner: IdentityKey,
    /// The key that signs participants' credentials.
    pub registrar: IdentityKey,
    /// The operator's bearer token.
    pub admin_token: Zeroizing<String>,
    /// The service token, which the aggregator presents to the combiner.
    pub service_token: Zeroizing<String>,
}

impl Parties {
    /// Generates new keys and tokens.
    pub fn generate() -> Self {
        let key = || IdentityKey::generate(&mut OsRng);
        Self {
            aggregator: key(),
            combiner: key(),
            registrar: key(),
            admin_token: token(),
            service_token: token(),
        }
    }

    /// The public keys that participants pin.
    pub fn pins(&self) -> Pins {
        Pins {
            aggregator: self.aggregator.public(),
            combiners: vec![self.combiner.public()],
            registrar: self.registrar.public(),
        }
    }

    /// Makes the key of a new participant, and its credential for [`EPOCH`]. The participant is not
    /// enrolled yet.
    pub fn participant(&self, subject: Subject) -> (IdentityKey, Credential) {
        let identity = IdentityKey::generate(&mut OsRng);
        let credential = Credential::issue(&self.registrar, subject, identity.public(), EPOCH);
        (identity, credential)
    }
}

impl fmt::Debug for Parties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parties").field("pins", &self.pins()).finish_non_exhaustive()
    }
}

/// A new token: 256 random bits in hexadecimal digits.
pub fn token() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *bytes);
    Zeroizing::new(hex::encode(&bytes[..]))
}
