//! What a service says about itself. Clients compare keys with those they have pinned; they never learn them here.

use names::PublicKey;
use serde::{Deserialize, Serialize};

/// `GET /v1/identity` of the aggregator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AggregatorIdentity {
    /// Ed25519 key that signs round documents, receipts and results.
    pub identity_key: PublicKey,
    /// The combiners, in the order of the share holders after the aggregator.
    pub combiner_keys: Vec<PublicKey>,
    /// Ed25519 key of the registrar whose credentials are accepted.
    pub registrar_key: PublicKey,
    /// Version of the software.
    pub version: String,
}

/// `GET /v1/identity` of a combiner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CombinerIdentity {
    /// Ed25519 key that signs countersignatures, attestations and release answers.
    pub identity_key: PublicKey,
    /// Ed25519 key of the registrar whose credentials are accepted.
    pub registrar_key: PublicKey,
    /// Documents with a smaller `min_cohort` are not countersigned.
    pub min_cohort_floor: u32,
    /// Documents with a larger `max_contributions` are not countersigned.
    pub max_contributions_cap: u32,
    /// Version of the software.
    pub version: String,
}
