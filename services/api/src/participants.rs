//! Enrolment of participants.

use names::{PublicKey, Subject};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes};

/// `POST /v1/participants`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The credential signed by the registrar, canonical encoding.
    pub credential: HexBytes,
    /// The participant's signature, label `enrolment`, over the credential: proof that it holds the key.
    pub signature: Hex<64>,
}

/// A participant as the aggregator shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Participant {
    /// The registrar's name for the participant.
    pub subject: Subject,
    /// The Ed25519 key of the credential last enrolled.
    pub client_key: PublicKey,
    /// The epoch of that credential.
    pub credential_epoch: u32,
    /// When it was first enrolled.
    pub enrolled_at_ms: i64,
    /// How many contributions it has had in each state.
    pub contributions: StateCounts,
}

/// Contributions by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCounts {
    /// Stored, not yet checked.
    pub received: u64,
    /// Every share good and the proof, where one is demanded, accepted.
    pub verified: u64,
    /// Refused after it was stored, with a named reason.
    pub rejected: u64,
    /// In the published sum.
    pub included: u64,
    /// Not in the sum through no fault of its own: the round closed first, failed or was cancelled.
    pub excluded: u64,
}

/// One page of a list. Pass `next` as the query parameter `after` for the following page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// At most `limit` items (100 by default, 1000 at most).
    pub items: Vec<T>,
    /// Where the next page starts; absent on the last one.
    pub next: Option<String>,
}
