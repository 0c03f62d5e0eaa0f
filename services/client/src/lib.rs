//! The SDK for participants, operators and auditors.
//!
//! A participant pins the keys that it trusts, opens a round, fetches the model, trains, and
//! contributes its update:
//!
//! ```no_run
//! # async fn example(pins: protocol::Pins, participant: client::Participant) -> Result<(), client::ClientError> {
//! use client::{Client, ClientConfig, RoundId};
//!
//! let client = Client::new(ClientConfig::new("https://aggregator.example", pins, "/var/lib/participant"))?;
//! let round = client.open_round(RoundId::from([7; 16])).await?;
//! let model = client.model(&round).await?;
//! let update: Vec<f32> = train(&model);
//! let contribution = client.contribute(&round, &participant, &update, 1, client::ignore_progress()).await?;
//! println!("contribution {}: stored, with a signed receipt", contribution.id);
//! # fn train(_: &[u8]) -> Vec<f32> { vec![] }
//! # Ok(())
//! # }
//! ```
//!
//! The SDK verifies everything that a contribution depends on: the round document, the model,
//! receipts, results, sums, checkpoints of the log, and proofs. Each must be signed by a pinned
//! key, or have a digest that such a key signed.
//!
//! The SDK does not verify what only informs: lists and states of rounds, participants and
//! contributions, payouts, statements and batches. Only the tree, the lines and the proofs of a
//! batch are compared with its root. All of this is also in the log, where an auditor can check it.
//!
//! An update leaves the process only in masked form. The finished message is on disk before its
//! first byte is sent, so a repetition sends the same bytes, even after a crash. From then on the
//! update belongs to its round and is sent in no other one.

#![forbid(unsafe_code)]

mod address;
mod audit;
mod client;
mod config;
mod contribute;
mod error;
mod floors;
mod handing;
mod operator;
mod outbox;
mod participant;
mod payouts;
mod prepare;
mod private_file;
mod progress;
mod receipts;
mod record;
mod result;
mod retry;
mod rounds;
mod sent_updates;
#[cfg(test)]
mod tests;
mod transport;

pub use client::Client;
pub use config::{ClientConfig, ModelSources, Timeouts};
pub use contribute::Contribution;
pub use error::ClientError;
pub use floors::{Floors, largest_share_ppm};
pub use ledger::payout_tree::{Address, StandardDump};
pub use names::{ContributionId, ModelDigest, RoundId, Subject};
pub use operator::{Operator, OperatorConfig};
pub use participant::Participant;
pub use prepare::{Preparation, Prepared};
pub use progress::{Phase, Progress, ProgressFn, ignore_progress};
pub use record::SignedCheckpoint;
pub use result::RoundSum;
pub use retry::{OnRetry, RetryPolicy};
