//! Enrolment, and participants as the aggregator shows them.

use names::{PublicKey, Subject};
use serde::{Deserialize, Serialize};

use crate::{Hex, HexBytes};

/// `POST /v1/participants`: enrols a participant for the epoch of its credential. It stays
/// enrolled for other epochs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The credential signed by the registrar, canonical encoding.
    pub credential: HexBytes,
    /// The participant's signature over the credential, under the label `enrolment`. It shows that
    /// the participant holds the key.
    pub signature: Hex<64>,
}

/// A participant as the aggregator shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Participant {
    /// Its name in the credential.
    pub subject: Subject,
    /// The identity key in its latest enrolled credential.
    pub client_key: PublicKey,
    /// The epoch of that credential. A round counts the credentials of one epoch.
    pub credential_epoch: u32,
    /// When it enrolled for the first time.
    pub enrolled_at_ms: i64,
    /// Its contributions to all rounds, by state.
    pub contributions: StateCounts,
}

/// Numbers of contributions by state. Each contribution counts in one state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCounts {
    /// Stored, and not verified yet.
    pub received: u64,
    /// Every share was found good, and the proof was accepted if the round demands one.
    pub verified: u64,
    /// Found bad after it was stored.
    pub rejected: u64,
    /// In the published sum.
    pub included: u64,
    /// Left out of the sum without a fault of its own: the round closed first, failed or was
    /// cancelled.
    pub excluded: u64,
}

/// One page of a list. Send `next` as the query parameter `after` to get the following page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Page<T> {
    /// At most `limit` items. The query parameter `limit` is 100 by default and 1000 at most.
    pub items: Vec<T>,
    /// The value of `after` for the next page. Absent on the last page.
    pub next: Option<String>,
}
