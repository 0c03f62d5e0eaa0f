//! The requests that need the operator's token: models, rounds and batches.

use std::fmt;

use api::{
    paths,
    payouts::{Batch, MakeBatch, Token},
    rounds::{CreateRound, RoundView},
};
use names::{ModelDigest, RoundId};
use reqwest::{Method, header::CONTENT_TYPE};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    ClientError, OnRetry, RetryPolicy, Timeouts,
    transport::{SMALL_ANSWER, Transport, decode},
};

/// The settings of an [`Operator`].
pub struct OperatorConfig {
    /// The URL of the aggregator, `https://host[:port]`. `http` is accepted only for this machine.
    pub aggregator_url: String,
    /// The admin token of the aggregator.
    pub token: Zeroizing<String>,
    /// How often and how fast a failed exchange is repeated.
    pub retry: RetryPolicy,
    /// Called before each repetition.
    pub on_retry: OnRetry,
    /// Time limits on each attempt.
    pub timeouts: Timeouts,
    /// A certificate authority to trust in addition to those of the operating system, in PEM.
    pub extra_root_ca: Option<Vec<u8>>,
}

impl OperatorConfig {
    /// Default retries and time limits, and no extra certificate authority.
    pub fn new(aggregator_url: impl Into<String>, token: Zeroizing<String>) -> Self {
        Self {
            aggregator_url: aggregator_url.into(),
            token,
            retry: RetryPolicy::default(),
            on_retry: OnRetry::default(),
            timeouts: Timeouts::default(),
            extra_root_ca: None,
        }
    }
}

impl fmt::Debug for OperatorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorConfig").field("aggregator_url", &self.aggregator_url).finish_non_exhaustive()
    }
}

/// Creates, closes and cancels an aggregator's rounds.
pub struct Operator {
    transport: Transport,
    token: Zeroizing<String>,
}

impl Operator {
    /// Prepares the connection. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::Address`], [`ClientError::Settings`].
    pub fn new(config: OperatorConfig) -> Result<Self, ClientError> {
        let OperatorConfig { aggregator_url, token, retry, on_retry, timeouts, extra_root_ca } = config;
        Ok(Self {
            transport: Transport::new(&aggregator_url, retry, on_retry, timeouts, extra_root_ca.as_deref())?,
            token,
        })
    }

    /// Uploads a model and returns its digest, by which [`create_round`](Self::create_round) names
    /// it.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the aggregator's reason, and the errors of any exchange.
    pub async fn put_model(&self, model: &[u8]) -> Result<ModelDigest, ClientError> {
        let digest = ModelDigest::from_bytes(Sha256::digest(model).into());
        let path = paths::fill(paths::MODEL, &[&digest]);
        let body = bytes::Bytes::copy_from_slice(model);
        let request = || {
            let request = self.transport.request(Method::PUT, &path)?;
            let request = request.header(CONTENT_TYPE, "application/octet-stream");
            Ok(request.bearer_auth(&*self.token).body(body.clone()))
        };
        self.transport.exchange(request, body.len() as u64, SMALL_ANSWER).await?;
        Ok(digest)
    }

    /// Creates a round. It opens once every combiner has countersigned it. One call creates one
    /// round, even when the exchange is repeated: all repetitions carry the same idempotency key.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `round-refused`, `invalid-parameter` or `model-in-use`. Also
    /// with `round-ended`, when the exchange was repeated and the round failed to open in between.
    /// Also the errors of any exchange.
    pub async fn create_round(&self, round: &CreateRound) -> Result<RoundView, ClientError> {
        let idempotency_key = hex::encode(rand::random::<[u8; 16]>());
        let request = || {
            let request = self.transport.request(Method::POST, paths::ROUNDS)?;
            let request = request.header("idempotency-key", &idempotency_key);
            Ok(request.bearer_auth(&*self.token).json(round))
        };
        decode(&self.transport.exchange(request, 0, SMALL_ANSWER).await?, "a round")
    }

    /// Ends the uploads of a round. The aggregator then finishes the round by itself.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `round-state`, and the errors of any exchange.
    pub async fn close_round(&self, round: RoundId) -> Result<(), ClientError> {
        self.post(&paths::fill(paths::ROUND_CLOSE, &[&round])).await
    }

    /// Ends a round for good, without a result. The round is then `cancelled`, or `failed` if its
    /// set was fixed already.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `round-state` if the round is published, and the errors of any
    /// exchange.
    pub async fn cancel_round(&self, round: RoundId) -> Result<(), ClientError> {
        self.post(&paths::fill(paths::ROUND_CANCEL, &[&round])).await
    }

    /// Makes a batch now, without waiting for the payout of a round. It has the balances in this
    /// token of all participants that have a claim address on its chain. A second call finds
    /// nothing owed.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `nothing-owed` or `invalid-parameter`, and the errors of any
    /// exchange.
    pub async fn make_batch(&self, token: &Token) -> Result<Batch, ClientError> {
        let body = MakeBatch { token: token.clone() };
        let request = || {
            let request = self.transport.request(Method::POST, paths::BATCHES)?;
            Ok(request.bearer_auth(&*self.token).json(&body))
        };
        decode(&self.transport.exchange(request, 0, SMALL_ANSWER).await?, "a batch")
    }

    async fn post(&self, path: &str) -> Result<(), ClientError> {
        let request = || Ok(self.transport.request(Method::POST, path)?.bearer_auth(&*self.token));
        self.transport.exchange(request, 0, SMALL_ANSWER).await.map(drop)
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("transport", &self.transport).finish_non_exhaustive()
    }
}
