//! The connection of a participant or an auditor to the aggregator.

use std::sync::Arc;

use api::{
    contributions::ContributionView,
    participants::{EnrolRequest, Page, Participant as ParticipantView},
    paths,
};
use lattice::{CpuBackend, MaskingBackend};
use names::{ContributionId, RoundId};
use protocol::{Canonical, Pins, Receipt, roles::client::sign_enrolment};
use rayon::ThreadPool;
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::{
    ClientConfig, ClientError, Floors, ModelSources, Participant,
    handing::Handing,
    outbox::Outbox,
    receipts::Receipts,
    sent_updates::SentUpdates,
    transport::{SMALL_ANSWER, Transport, decode},
};

/// Takes part in an aggregator's rounds. A clone shares the connection and the threads, so it is
/// cheap.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) transport: Transport,
    pub(crate) pins: Pins,
    pub(crate) outbox: Outbox,
    pub(crate) receipts: Receipts,
    pub(crate) models: ModelSources,
    pub(crate) floors: Floors,
    pub(crate) handing: Handing,
    pub(crate) pool: Arc<ThreadPool>,
    pub(crate) backend: Arc<dyn MaskingBackend>,
}

impl Client {
    /// Prepares the connection and starts the threads for masking. Nothing is sent yet. The state
    /// folder is created when there is something to store.
    ///
    /// # Errors
    /// [`ClientError::Address`], [`ClientError::Settings`], [`ClientError::State`] when the state
    /// folder cannot be read, [`ClientError::Threads`].
    pub fn new(config: ClientConfig) -> Result<Self, ClientError> {
        let ClientConfig {
            aggregator_url,
            pins,
            state_dir,
            retry,
            on_retry,
            timeouts,
            extra_root_ca,
            threads,
            models,
            floors,
            combiner_urls,
        } = config;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("mask-{index}"))
            .build()
            .map_err(|source| ClientError::Threads { source })?;
        Ok(Self {
            transport: Transport::new(&aggregator_url, retry, on_retry, timeouts, extra_root_ca.as_deref())?,
            pins,
            outbox: Outbox::open(state_dir.join("outbox"), SentUpdates::new(state_dir.join("sent")))?,
            receipts: Receipts::new(state_dir.join("receipts")),
            models,
            floors,
            handing: Handing::new(&combiner_urls, extra_root_ca.as_deref())?,
            pool: Arc::new(pool),
            backend: Arc::new(CpuBackend::new()),
        })
    }

    /// Enrols the participant with the aggregator. Repeating the call is harmless. A
    /// credential of another epoch is added to those that the aggregator knows, so that running
    /// rounds go on.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `credential-refused` or `signature-refused`, and the errors of
    /// any exchange.
    pub async fn enrol(&self, participant: &Participant) -> Result<ParticipantView, ClientError> {
        let Participant { identity, credential } = participant;
        let body = EnrolRequest {
            credential: credential.to_bytes().into(),
            signature: sign_enrolment(credential, identity).0.into(),
        };
        let request = || Ok(self.transport.request(Method::POST, paths::PARTICIPANTS)?.json(&body));
        decode(&self.transport.exchange(request, 0, SMALL_ANSWER).await?, "a participant")
    }

    /// The state of a contribution, as the aggregator states it. The answer is not signed.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-found`, and the errors of any exchange.
    pub async fn status(
        &self,
        round: RoundId,
        contribution: ContributionId,
    ) -> Result<ContributionView, ClientError> {
        let path = paths::fill(paths::CONTRIBUTION, &[&round, &contribution]);
        self.transport.json(&path, "a contribution").await
    }

    /// Fetches a whole list, page by page. `what` names one page in an error.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        list: &str,
        what: &'static str,
    ) -> Result<Vec<T>, ClientError> {
        let mut items = Vec::new();
        let mut path = format!("{list}?limit=1000");
        loop {
            let page: Page<T> = self.transport.json(&path, what).await?;
            items.extend(page.items);
            match page.next {
                Some(after) => path = format!("{list}?limit=1000&after={after}"),
                None => return Ok(items),
            }
        }
    }

    /// The receipt of a contribution, read from the state folder.
    ///
    /// # Errors
    /// [`ClientError::State`], and [`ClientError::Refused`] when the file is damaged.
    pub fn receipt(&self, contribution: ContributionId) -> Result<Option<Receipt>, ClientError> {
        self.receipts.find(contribution)
    }
}
