//! The SDK against a server that misbehaves in every way a test can think of.

mod operating;
mod paying;
mod results;
mod resuming;
mod rounds;
mod server;
mod uploading;
