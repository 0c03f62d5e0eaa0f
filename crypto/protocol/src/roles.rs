//! The steps of each party: the rules of the protocol, without its transport.

pub mod aggregator;
pub mod client;
pub mod combiner;
pub mod company;
pub mod reading;
pub mod round;
