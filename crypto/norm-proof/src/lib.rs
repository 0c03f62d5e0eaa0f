#![doc = include_str!("../docs/norm-proof.md")]
#![forbid(unsafe_code)]

mod equations;
mod error;
mod generators;
mod linear;
mod parameters;
mod proof;
mod prove;
mod slack;
mod smallness;
mod statement;
#[cfg(test)]
mod tests;
mod transcript;
mod vector_commitment;
mod verify;
mod witness;

pub use equations::GroupEquations;
pub use error::NormProofError;
pub use parameters::Parameters;
pub use proof::{NormProof, PROOF_BYTES};
pub use prove::{Folding, Projecting};
pub use statement::{PublicValues, Statement};
pub use verify::Verifying;
