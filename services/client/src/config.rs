//! How a client finds its aggregator, whom it trusts and how patient it is.

use std::{path::PathBuf, time::Duration};

use protocol::Pins;

use crate::{OnRetry, RetryPolicy};

/// Everything a [`Client`](crate::Client) needs to know.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// `https://host[:port]`; plain `http` on this machine only.
    pub aggregator_url: String,
    /// The keys to trust, obtained apart from the servers.
    pub pins: Pins,
    /// Folder for unfinished uploads, receipts and the memory of what was sent. A participant must not lose
    /// it. It is made when there is something to keep.
    pub state_dir: PathBuf,
    /// How often, and how fast, a failed exchange is repeated.
    pub retry: RetryPolicy,
    /// Who is told of it.
    pub on_retry: OnRetry,
    /// How long an exchange may take.
    pub timeouts: Timeouts,
    /// A certificate authority to trust beside those of the operating system, in PEM.
    pub extra_root_ca: Option<Vec<u8>>,
    /// Threads for masking; 0 for one for each core.
    pub threads: usize,
}

impl ClientConfig {
    /// The usual settings.
    pub fn new(aggregator_url: impl Into<String>, pins: Pins, state_dir: impl Into<PathBuf>) -> Self {
        Self {
            aggregator_url: aggregator_url.into(),
            pins,
            state_dir: state_dir.into(),
            retry: RetryPolicy::default(),
            on_retry: OnRetry::default(),
            timeouts: Timeouts::default(),
            extra_root_ca: None,
            threads: 0,
        }
    }
}

/// Limits on the time of the steps of one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the answer to a request starts, beside what its bytes take to be sent; and between parts of the
    /// answer.
    pub exchange: Duration,
    /// The slowest upload to put up with.
    pub slowest_bytes_per_second: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            exchange: Duration::from_secs(60),
            slowest_bytes_per_second: 32 * 1024,
        }
    }
}

impl Timeouts {
    pub(crate) fn for_bytes(&self, bytes: u64) -> Duration {
        self.exchange + Duration::from_secs(bytes / self.slowest_bytes_per_second.max(1))
    }
}
