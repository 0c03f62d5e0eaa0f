//! Tests of the SDK with a scripted server that may break every rule.

mod log;
mod operating;
mod paying;
mod remaking;
mod results;
mod resuming;
mod rounds;
mod server;
mod uploading;
