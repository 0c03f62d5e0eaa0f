//! The REST contract: paths, request and response bodies, and problem types.
//!
//! Both services, the SDK and the command line share these types, so a change of the contract is
//! made once. Signed data travels as the canonical bytes of `protocol` in lower-case hexadecimal.
//! Everything else is plain JSON. Times are milliseconds since the Unix epoch, in fields that end
//! in `_ms`.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod combiner;
pub mod contributions;
pub mod hexadecimal;
pub mod identity;
pub mod log;
pub mod participants;
pub mod paths;
pub mod payouts;
pub mod problem;
pub mod refusal;
pub mod rounds;

pub use hexadecimal::{Hex, HexBytes};
pub use problem::{Problem, ProblemKind};
