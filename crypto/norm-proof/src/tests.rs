//! Proofs of honest contributions, and everything that is tried to pass without being one.

mod bounds;
mod cheating;
mod equations;
mod fixture;
mod honest;
mod tampering;
mod zero_knowledge;
