//! One function for each request that the aggregator or a participant may make.

pub(crate) mod abandon;
pub(crate) mod attest;
mod company;
pub(crate) mod countersign;
pub(crate) mod destroy;
pub(crate) mod epochs;
pub(crate) mod expire;
pub(crate) mod receipts;
pub(crate) mod refused_proofs;
pub(crate) mod release;
pub(crate) mod round_key;
pub(crate) mod sweep;
pub(crate) mod view;
