//! What each party does with the messages: the rules of the protocol, without its transport.

pub mod aggregator;
pub mod client;
pub mod combiner;
pub mod round;
