//! The settings of a client: address, pinned keys, state folder, retries and time limits.

use std::{path::PathBuf, time::Duration};

use protocol::Pins;

use crate::{Floors, OnRetry, RetryPolicy};

/// The settings of a [`Client`](crate::Client).
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The URL of the aggregator, `https://host[:port]`. `http` is accepted only for this machine.
    pub aggregator_url: String,
    /// The public keys of the other parties. Obtain them from those parties, never from the
    /// aggregator.
    pub pins: Pins,
    /// The folder for unfinished uploads, receipts and the list of updates that were sent. It is
    /// created when there is something to store. Do not lose it: without it, an update could be
    /// sent in a second round.
    pub state_dir: PathBuf,
    /// How often and how fast a failed exchange is repeated.
    pub retry: RetryPolicy,
    /// Called before each repetition.
    pub on_retry: OnRetry,
    /// Time limits on each attempt.
    pub timeouts: Timeouts,
    /// A certificate authority to trust in addition to those of the operating system, in PEM.
    pub extra_root_ca: Option<Vec<u8>>,
    /// Threads for masking. 0 means one for each core.
    pub threads: usize,
    /// Where models may be fetched from, and how large they may be.
    pub models: ModelSources,
    /// The least that a round must promise.
    pub floors: Floors,
    /// The addresses of combiners to which receipts are handed: `https` URLs, or `http` URLs of
    /// this machine. Default: none.
    pub combiner_urls: Vec<String>,
}

impl ClientConfig {
    /// Default retries and time limits, no extra certificate authority, one thread for each core,
    /// and models of at most 1 GiB from the aggregator itself.
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
            models: ModelSources::default(),
            floors: Floors::default(),
            combiner_urls: Vec::new(),
        }
    }
}

/// Where models may be fetched from, and how large they may be. The aggregator chooses the location
/// and the length, so the client's own settings limit both.
#[derive(Clone, Debug)]
pub struct ModelSources {
    /// Hosts besides the aggregator's own address, as `host` or `host:port`. They must serve
    /// `https`. They are used only with an aggregator that is reached by `https` itself: a client
    /// of an aggregator on this machine trusts no certificate authority. Default: none.
    pub hosts: Vec<String>,
    /// The largest model that is fetched, in bytes. A model is held in memory. Default: 1 GiB.
    pub max_bytes: u64,
}

impl Default for ModelSources {
    fn default() -> Self {
        Self { hosts: Vec::new(), max_bytes: 1 << 30 }
    }
}

/// Time limits on the steps of one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The limit on establishing a connection.
    pub connect: Duration,
    /// The limit on waiting for the start of the answer, and for each further read of it. An upload
    /// may take longer, by its length divided by
    /// [`slowest_bytes_per_second`](Self::slowest_bytes_per_second).
    pub exchange: Duration,
    /// The slowest speed of an upload. A slower upload is given up.
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
