//! HTTP requests and answers, with time limits and repetitions.

use std::{future::Future, path::Path, sync::Once, time::Duration};

use api::{Problem, problem};
use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Method, RequestBuilder, Response, Url, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt;

use crate::{ClientError, OnRetry, RetryPolicy, Timeouts, address::safe_url, retry::retry_after};

/// The longest JSON answer other than a bundle, in bytes.
pub(crate) const SMALL_ANSWER: u64 = 16 << 20;
/// The longest body of an error, in bytes.
const PROBLEM_BYTES: u64 = 64 << 10;

/// A connection to one aggregator.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    retry: RetryPolicy,
    on_retry: OnRetry,
    timeouts: Timeouts,
}

impl Transport {
    pub(crate) fn new(
        url: &str,
        retry: RetryPolicy,
        on_retry: OnRetry,
        timeouts: Timeouts,
        extra_root_ca: Option<&[u8]>,
    ) -> Result<Self, ClientError> {
        let base = safe_url(url)?;
        let settings = |source| ClientError::Settings { source };
        install_tls_provider();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("blindsum/", env!("CARGO_PKG_VERSION")));
        if base.scheme() == "http" {
            builder = builder.no_proxy().tls_certs_only([]);
        } else if let Some(pem) = extra_root_ca {
            builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem).map_err(settings)?);
        }
        Ok(Self { http: builder.build().map_err(settings)?, base, retry, on_retry, timeouts })
    }

    /// The address of the aggregator.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Starts a request for `path` at the aggregator.
    pub(crate) fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ClientError> {
        match self.base.join(path) {
            Ok(url) if url.origin() == self.base.origin() => Ok(self.http.request(method, url)),
            _ => Err(ClientError::Address),
        }
    }

    /// `GET`s JSON. `what` names the answer in an error.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &'static str,
    ) -> Result<T, ClientError> {
        decode(&self.bytes(path, SMALL_ANSWER).await?, what)
    }

    /// `GET`s at most `limit` bytes.
    pub(crate) async fn bytes(&self, path: &str, limit: u64) -> Result<Bytes, ClientError> {
        self.exchange(|| self.request(Method::GET, path), 0, limit).await
    }

    /// `GET`s at most `limit` bytes from a URL that the caller has found to be allowed.
    pub(crate) async fn bytes_at(&self, url: Url, limit: u64) -> Result<Bytes, ClientError> {
        self.exchange(|| Ok(self.http.get(url.clone())), 0, limit).await
    }

    /// Sends a request and reads an answer of at most `limit` bytes. `request` is called again for
    /// each attempt. `sent` is the length of its body, which extends the time limit.
    pub(crate) async fn exchange(
        &self,
        request: impl Fn() -> Result<RequestBuilder, ClientError>,
        sent: u64,
        limit: u64,
    ) -> Result<Bytes, ClientError> {
        self.repeat(|| {
            let request = request();
            async move {
                let response = self.accepted(request?, sent).await?;
                self.read(response, limit).await
            }
        })
        .await
    }

    /// `GET`s at most `limit` bytes into the file `to`. Returns their number.
    pub(crate) async fn download(&self, path: &str, limit: u64, to: &Path) -> Result<u64, ClientError> {
        self.repeat(|| {
            let request = self.request(Method::GET, path);
            async move {
                let response = self.accepted(request?, 0).await?;
                self.save(response, limit, to).await
            }
        })
        .await
    }

    async fn repeat<T, F: Future<Output = Result<T, ClientError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, ClientError> {
        let mut failures = 0;
        loop {
            let error = match attempt().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failures += 1;
            let Some(wait) = self.retry.wait(failures, &error) else { return Err(error) };
            (self.on_retry.0)(&error, wait);
            tokio::time::sleep(wait).await;
        }
    }

    async fn accepted(&self, request: RequestBuilder, sent: u64) -> Result<Response, ClientError> {
        let response = in_time(self.timeouts.for_bytes(sent), request.send()).await?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response).await) }
    }

    async fn refusal(&self, response: Response) -> ClientError {
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let explained = media_type.is_some_and(|value| value.starts_with(problem::MEDIA_TYPE));
        let body = if explained { self.read(response, PROBLEM_BYTES).await.ok() } else { None };
        let problem = body.and_then(|body| serde_json::from_slice::<Problem>(&body).ok());
        match problem.and_then(|problem| problem.kind().map(|kind| (kind, problem))) {
            Some((kind, problem)) => {
                let problem = Box::new(Problem { status, ..problem });
                ClientError::Problem { kind, problem, retry_after }
            }
            None => ClientError::Status { status, retry_after },
        }
    }

    async fn read(&self, mut response: Response, limit: u64) -> Result<Bytes, ClientError> {
        let mut bytes = BytesMut::new();
        while let Some(more) = in_time(self.timeouts.exchange, response.chunk()).await? {
            if (bytes.len() + more.len()) as u64 > limit {
                return Err(ClientError::AnswerTooLong { limit });
            }
            bytes.extend_from_slice(&more);
        }
        Ok(bytes.freeze())
    }

    async fn save(&self, mut response: Response, limit: u64, to: &Path) -> Result<u64, ClientError> {
        let mut file = tokio::fs::File::create(to).await.map_err(ClientError::state(to))?;
        let mut bytes = 0;
        while let Some(more) = in_time(self.timeouts.exchange, response.chunk()).await? {
            bytes += more.len() as u64;
            if bytes > limit {
                return Err(ClientError::AnswerTooLong { limit });
            }
            file.write_all(&more).await.map_err(ClientError::state(to))?;
        }
        file.flush().await.map_err(ClientError::state(to))?;
        Ok(bytes)
    }
}

/// Decodes a JSON answer. `what` names it in an error.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, ClientError> {
    serde_json::from_slice(bytes).map_err(|source| ClientError::Answer { what, source })
}

fn install_tls_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the program has installed a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

async fn in_time<T>(
    limit: Duration,
    step: impl Future<Output = reqwest::Result<T>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(limit, step).await {
        Ok(outcome) => outcome.map_err(|error| ClientError::Unreachable { source: error.without_url() }),
        Err(_) => Err(ClientError::TimedOut { after: limit }),
    }
}
