//! The identity of a participant.

use protocol::{Credential, IdentityKey};

/// A participant's key, and the credential by which the registrar vouches for it.
#[derive(Debug)]
pub struct Participant {
    /// Signs enrolments and contributions.
    pub identity: IdentityKey,
    /// The participant's subject and the public key of [`identity`](Self::identity), signed by the
    /// registrar.
    pub credential: Credential,
}
