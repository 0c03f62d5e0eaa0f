//! Proofs of honest contributions, and attempts to pass the verifier without one.

mod accept_rates;
mod bounds;
mod cheating;
mod equations;
mod fixture;
mod honest;
mod tampering;
mod zero_knowledge;
