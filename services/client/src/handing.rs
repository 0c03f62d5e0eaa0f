//! Hands receipts to combiners.
//!
//! A combiner that holds the receipt of a contribution knows of it, even if the aggregator never
//! shows it. It then releases no set that leaves out too many such participants. Handing over is an
//! offer: it delays no contribution and fails none.

use std::time::Duration;

use api::{combiner::ReceiptCall, paths};
use protocol::{Canonical, ContributionHeader, Receipt};
use reqwest::Method;
use tokio_util::task::TaskTracker;

use crate::{
    ClientError, OnRetry, RetryPolicy, Timeouts,
    transport::{SMALL_ANSWER, Transport},
};

/// The limit on connecting to a combiner, and on each wait for its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The combiners whose addresses this client knows, and the receipts that are on their way.
#[derive(Clone, Debug)]
pub(crate) struct Handing {
    combiners: Vec<Transport>,
    running: TaskTracker,
}

impl Handing {
    /// Prepares the connections. Each address must be an `https` URL, or an `http` URL of this
    /// machine.
    pub(crate) fn new(urls: &[String], extra_root_ca: Option<&[u8]>) -> Result<Self, ClientError> {
        let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
        let timeouts = Timeouts { connect: PATIENCE, exchange: PATIENCE, ..Timeouts::default() };
        let connect = |url: &String| Transport::new(url, retry, OnRetry::default(), timeouts, extra_root_ca);
        let combiners = urls.iter().map(connect).collect::<Result<_, _>>()?;
        Ok(Self { combiners, running: TaskTracker::new() })
    }

    /// Starts to hand the receipt of a contribution to every combiner, and does not wait.
    pub(crate) fn start(&self, header: &ContributionHeader, receipt: &Receipt) {
        let call = ReceiptCall { header: header.to_bytes().into(), receipt: receipt.to_bytes().into() };
        let path = paths::fill(paths::COMBINER_RECEIPTS, &[&header.round_hash]);
        for combiner in &self.combiners {
            let (combiner, call, path) = (combiner.clone(), call.clone(), path.clone());
            self.running.spawn(async move {
                let request = || Ok(combiner.request(Method::POST, &path)?.json(&call));
                if let Err(error) = combiner.exchange(request, 0, SMALL_ANSWER).await {
                    tracing::debug!(%error, "a combiner did not take the receipt");
                }
            });
        }
    }

    /// Waits until every receipt is handed over or given up, at most for this long.
    pub(crate) async fn finish(&self, limit: Duration) {
        self.running.close();
        // What is still on its way after the limit goes on as long as the process does.
        let _elapsed = tokio::time::timeout(limit, self.running.wait()).await;
        self.running.reopen();
    }
}
