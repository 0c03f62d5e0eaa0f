//! Who contributes.

use protocol::{Credential, IdentityKey};

/// A participant's key and the registrar's word that it is the participant's.
#[derive(Debug)]
pub struct Participant {
    /// Signs enrolments and contributions.
    pub identity: IdentityKey,
    /// Names [`identity`](Self::identity)'s public key, signed by the registrar.
    pub credential: Credential,
}
