//! One module for each command, with its arguments and its answer.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod contribute;
pub(crate) mod db;
pub(crate) mod demo;
pub(crate) mod enrol;
pub(crate) mod keygen;
pub(crate) mod local;
pub(crate) mod model;
pub(crate) mod payout;
pub(crate) mod registrar;
pub(crate) mod round;
pub(crate) mod serve;
