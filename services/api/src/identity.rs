//! The public keys and the policy that a service states. Clients compare these keys with their pins
//! and never learn keys from here.

use names::PublicKey;
use serde::{Deserialize, Serialize};

/// `GET /v1/identity` of the aggregator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AggregatorIdentity {
    /// Ed25519 key that signs round documents, receipts and results.
    pub identity_key: PublicKey,
    /// Identity keys of the combiners, in the order of the holders.
    pub combiner_keys: Vec<PublicKey>,
    /// Ed25519 key of the registrar whose credentials are accepted.
    pub registrar_key: PublicKey,
    /// Version of the program that serves.
    pub version: String,
}

/// `GET /v1/identity` of a combiner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CombinerIdentity {
    /// Ed25519 key that signs countersignatures, attestations and release answers.
    pub identity_key: PublicKey,
    /// Ed25519 key of the registrar whose credentials are accepted.
    pub registrar_key: PublicKey,
    /// The combiner does not countersign a document with a smaller `min_cohort`.
    pub min_cohort_floor: u32,
    /// The combiner does not countersign a document with a larger `max_contributions`.
    pub max_contributions_cap: u32,
    /// Version of the program that serves.
    pub version: String,
}
