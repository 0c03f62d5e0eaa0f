//! The protocol between its parties, played in one process: every honest step, and every dishonest one that a message
//! can carry.

mod attestation;
mod closing;
mod contribution;
mod document;
mod fixture;
mod hostile_bytes;
