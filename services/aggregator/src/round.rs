//! The life of a round.
//!
//! [`lifecycle`] has all states and events on one page, and the one function that changes a round's
//! state. Each state has a file beside it. Such a file says how a round *enters* the state, which
//! *work* is done in it, and which facts are *recorded* when the work is done. [`step`] has the
//! code that all work shares. A file uses only the files of later states.

pub(crate) mod ended;
pub(crate) mod folding;
pub(crate) mod lifecycle;
pub(crate) mod open;
pub(crate) mod preparing;
pub(crate) mod published;
pub(crate) mod publishing;
pub(crate) mod releasing;
pub(crate) mod settling;
mod showing;
pub(crate) mod step;
pub(crate) mod unmasking;
pub(crate) mod verifying;
