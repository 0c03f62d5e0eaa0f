//! Everybody's keys, and the secrets between them.

use std::fmt;

use names::Subject;
use protocol::{Credential, IdentityKey, Pins};
use rand::{RngCore, rngs::OsRng};
use zeroize::Zeroizing;

/// The epoch of every credential.
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
    /// The bearer token that the combiner demands of the aggregator.
    pub service_token: Zeroizing<String>,
}

impl Parties {
    /// New keys and tokens.
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

    /// The keys that participants pin.
    pub fn pins(&self) -> Pins {
        Pins {
            aggregator: self.aggregator.public(),
            combiners: vec![self.combiner.public()],
            registrar: self.registrar.public(),
        }
    }

    /// A new participant's key, and its credential for [`EPOCH`]. The aggregator has not heard of
    /// it.
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

/// 256 random bits in hexadecimal.
pub fn token() -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(&mut *bytes);
    Zeroizing::new(hex::encode(&bytes[..]))
}
