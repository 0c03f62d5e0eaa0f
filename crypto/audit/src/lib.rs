//! The auditor. It takes published bytes and gives a verdict.
//!
//! Anyone can recompute a published round from its bundle, its bodies and its sum, and compare it
//! with the aggregator's signed log. The auditor trusts neither server. It trusts only the keys
//! that it pins.
//!
//! ```
//! use audit::{Bundle, InMemory, LogReader, NamedNote, Proofs, Trust, verify_round};
//! use protocol::Pins;
//! use rand::rngs::OsRng;
//!
//! /// The payouts of a round are right, and so are all books.
//! fn audit(
//!     pins: &Pins,
//!     bundle: &[u8],
//!     mut published: InMemory,
//!     checkpoint: &str,
//!     entries: &[String],
//! ) -> Result<bool, Box<dyn std::error::Error>> {
//!     let bundle = Bundle::read(bundle, pins)?;
//!     let round = verify_round(&bundle, Proofs::All, &mut published, &mut OsRng, &mut || {})?;
//!
//!     let latest = NamedNote { name: "latest", note: checkpoint };
//!     let trust = Trust { aggregator: pins.aggregator, earlier: &[], witnesses: &[] };
//!     let mut log = LogReader::open(latest, trust)?;
//!     entries.iter().try_for_each(|entry| log.push(entry))?;
//!     let log = log.finish()?;
//!     log.check_books()?;
//!     Ok(log.check_round(&round)?)
//! }
//! ```
//!
//! | step | item | finds |
//! |---|---|---|
//! | accept the document | [`Bundle::read`] | another party's signature, a broken rule, other constants |
//! | recompute the round | [`verify_round`] | a wrong credential, attestation, proof, body, answer or sum |
//! | read the log | [`LogReader`] | entries that were changed, removed or inserted; a fork |
//! | compare the round with the log | [`SignedLog::check_round`] | another set or result on record, a wrong payout |
//! | check the books | [`SignedLog::check_books`] | money from nowhere, an overdrawn account, a wrong payout tree |
//!
//! Each step stops at the first [`Finding`], which says where something is wrong and what.
//!
//! The crate opens no file and no connection. The caller hands it the bundle and the entries, and
//! implements [`Published`] for the large vectors, which are read piece by piece. Memory for the
//! log grows with its rows.

#![forbid(unsafe_code)]

mod amount;
mod book_ids;
mod books;
mod bundle;
mod earnings;
mod error;
mod facts;
pub mod finding;
mod log;
mod published;
mod record;
mod round;
mod round_record;
mod rows;
#[cfg(test)]
mod tests;

pub use book_ids::{AccountId, BatchId, TransferId};
pub use books::Books;
pub use bundle::{Bundle, BundleJson};
pub use error::AuditError;
pub use finding::{Fault, Finding, Place};
pub use log::{LogReader, NamedNote, SignedLog, Trust};
pub use published::{InMemory, Published};
pub use record::publishes;
pub use round::{Proofs, RoundReport, verify_round};
