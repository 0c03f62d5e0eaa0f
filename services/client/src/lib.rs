//! The SDK: what a participant, an operator or an auditor needs to take part in rounds.
//!
//! A participant pins the keys it trusts, opens a round, fetches the model, trains, and contributes its
//! update:
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
//! println!("stored, says the aggregator at {}", contribution.receipt.received_at_ms);
//! # fn train(_: &[u8]) -> Vec<f32> { vec![] }
//! # Ok(())
//! # }
//! ```
//!
//! What a contribution depends on is believed only with a signature under a pinned key, or as what a digest under such a signature
//! covers: the round document, the model, receipts, results, sums, checkpoints of the log and proofs under them. What only informs is
//! what the aggregator says: lists and states of rounds, participants and contributions, payouts, statements and batches, though a
//! batch's tree, lines and proofs are checked against its root. All of it is in the log, and an auditor can check it there.
//!
//! An update leaves the process only masked; the finished message is on disk before the first byte is sent, so that a repetition, even
//! after a crash, sends the same bytes.

#![forbid(unsafe_code)]

mod audit;
mod client;
mod config;
mod contribute;
mod error;
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
pub use config::{ClientConfig, Timeouts};
pub use contribute::Contribution;
pub use error::ClientError;
pub use ledger::payout_tree::{Address, StandardDump};
pub use names::{ContributionId, ModelDigest, RoundId, Subject};
pub use operator::{Operator, OperatorConfig};
pub use participant::Participant;
pub use prepare::{Preparation, Prepared};
pub use progress::{Phase, Progress, ProgressFn, ignore_progress};
pub use record::SignedCheckpoint;
pub use result::RoundSum;
pub use retry::{OnRetry, RetryPolicy};
