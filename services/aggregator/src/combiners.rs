//! The requests that the aggregator sends to a combiner.

use std::{fs, path::Path, time::Duration};

use api::{
    Hex, HexBytes, Problem, ProblemKind,
    combiner::{
        AttestRequest, AttestResponse, CombinerRoundView, CountersignRequest, Countersignature, ReleaseCall,
        ReleaseView, RoundKeyRequest, RoundKeyView,
    },
    paths,
};
use kit::{auth::BearerToken, config::ConfigError};
use names::{PublicKey, RoundHash, RoundId};
use reqwest::{
    Body, Certificate, RequestBuilder, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::config::{CombinerConfig, Limits};

/// The most bytes of an answer. The longest answers are a batch of verdicts and a sum of key
/// shares.
const MAX_ANSWER_BYTES: usize = 4 << 20;
/// The longest time for handing over a whole contribution.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(3_600);

/// The reason why a combiner did not carry out a request.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum CombinerError {
    /// The combiner cannot be reached, is overloaded or has failed. The same request may succeed
    /// later.
    #[error("combiner {holder} cannot be reached")]
    Unreachable {
        /// The combiner's index among the holders.
        holder: u8,
        /// The error of the connection, if there is one.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The combiner refused the request.
    #[error("combiner {holder} refused: {}{}", .problem.title, detail(.problem))]
    Refused {
        /// The combiner's index among the holders.
        holder: u8,
        /// The combiner's answer.
        problem: Box<Problem>,
    },
    /// Something else answered in the combiner's place, for example a proxy. Or the combiner does
    /// not accept this aggregator's token. The same request may succeed once the operator has
    /// corrected this.
    #[error(
        "something that is not combiner {holder} answered with status {status}: a proxy, or a wrong token"
    )]
    Foreign {
        /// The combiner's index among the holders.
        holder: u8,
        /// The status of the answer.
        status: u16,
    },
    /// The answer does not have the agreed form, or the combiner did not sign it.
    #[error("combiner {holder} gave an answer that is not acceptable")]
    Unacceptable {
        /// The combiner's index among the holders.
        holder: u8,
    },
}

impl CombinerError {
    /// Returns the combiner's reason, if it refused.
    pub(crate) fn refusal(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused { problem, .. } => problem.kind(),
            _ => None,
        }
    }

    /// The reason why the same request may succeed later. `None` if it never does.
    pub(crate) fn waits(&self) -> Option<ProblemKind> {
        match self {
            Self::Unreachable { .. } | Self::Foreign { .. } => Some(ProblemKind::Unavailable),
            // By the combiner's clock it is not the time for it, and it may be soon. Or the set
            // leaves out too many, and refusals of other combiners may arrive that excuse them.
            Self::Refused { .. } => self
                .refusal()
                .filter(|reason| matches!(reason, ProblemKind::RoundNotOpen | ProblemKind::LeftOut)),
            Self::Unacceptable { .. } => None,
        }
    }
}

/// What was wrong this time, in words that follow the title.
fn detail(problem: &Problem) -> String {
    problem.detail.as_ref().map_or_else(String::new, |detail| format!(" {detail}"))
}

impl From<CombinerError> for kit::Error {
    fn from(error: CombinerError) -> Self {
        match error {
            error if error.waits().is_some() => Self::unavailable(error),
            error => Self::fault(error),
        }
    }
}

/// A combiner, with its address and the client that reaches it.
#[derive(Debug)]
pub(crate) struct Combiner {
    /// The combiner's index among the holders, from 1.
    pub(crate) holder: u8,
    /// The combiner's Ed25519 key.
    pub(crate) identity_key: PublicKey,
    url: String,
    http: reqwest::Client,
    token: BearerToken,
}

impl Combiner {
    /// Prepares the client for the combiner with index `holder`.
    ///
    /// # Errors
    /// A fault if the certificate authorities cannot be read, or if no TLS provider is installed.
    pub(crate) fn new(
        holder: u8,
        config: &CombinerConfig,
        token: BearerToken,
        limits: &Limits,
    ) -> kit::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_millis(limits.combiner_timeout_ms))
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none());
        let http = match &config.ca_file {
            Some(path) => http.tls_certs_merge(authorities(path)?),
            None if config.needs_system_roots() => http,
            // The operating system may have no certificates.
            None => http.tls_certs_only([]),
        };
        let http = http.build().map_err(kit::Error::fault)?;
        let url = config.url.trim_end_matches('/').to_owned();
        Ok(Self { holder, identity_key: config.identity_key, url, http, token })
    }

    /// Asks for the public half of the combiner's key for a round.
    pub(crate) async fn round_key(&self, round_id: RoundId) -> Result<RoundKeyView, CombinerError> {
        self.post(paths::COMBINER_ROUND_KEYS.to_owned(), &RoundKeyRequest { round_id }).await
    }

    /// Asks for the countersignature of a round document. The caller must verify it.
    pub(crate) async fn countersign(
        &self,
        document: &[u8],
        signature: [u8; 64],
    ) -> Result<[u8; 64], CombinerError> {
        let document = HexBytes(document.to_vec());
        let request = CountersignRequest { document, aggregator_signature: Hex(signature) };
        let answer: Countersignature = self.post(paths::COMBINER_ROUNDS.to_owned(), &request).await?;
        Ok(answer.countersignature.0)
    }

    /// Asks for verdicts on contributions. The verdicts have the order of the contributions.
    pub(crate) async fn attest(
        &self,
        round_hash: RoundHash,
        request: &AttestRequest,
    ) -> Result<Vec<api::combiner::Verdict>, CombinerError> {
        let path = paths::fill(paths::COMBINER_ATTESTATIONS, &[&round_hash]);
        let answer: AttestResponse = self.post(path, request).await?;
        if answer.verdicts.len() == request.contributions.len() {
            Ok(answer.verdicts)
        } else {
            Err(self.unacceptable())
        }
    }

    /// Asks for the sum of the combiner's key shares over a set. The caller must check that it
    /// opens the sum of the commitments.
    pub(crate) async fn release(
        &self,
        round_hash: RoundHash,
        request: &ReleaseCall,
    ) -> Result<Vec<u8>, CombinerError> {
        let path = paths::fill(paths::COMBINER_RELEASE, &[&round_hash]);
        let answer: ReleaseView = self.post(path, request).await?;
        Ok(answer.answer.0)
    }

    /// Asks for the state of a round.
    pub(crate) async fn round(&self, round_hash: RoundHash) -> Result<CombinerRoundView, CombinerError> {
        let path = paths::fill(paths::COMBINER_ROUND, &[&round_hash]);
        let answer = self.answer(self.http.get(format!("{}{path}", self.url))).await?;
        serde_json::from_slice(&answer).map_err(|_| self.unacceptable())
    }

    /// Hands over the message of a contribution whose proof does not verify.
    pub(crate) async fn refuse_proof(
        &self,
        round_hash: RoundHash,
        message: Body,
    ) -> Result<(), CombinerError> {
        let path = paths::fill(paths::COMBINER_REFUSED_PROOFS, &[&round_hash]);
        let request = self.http.post(format!("{}{path}", self.url)).timeout(MESSAGE_TIMEOUT).body(message);
        self.answer(request).await.map(drop)
    }

    /// Tells the combiner that a round ended without a release.
    pub(crate) async fn abandon(&self, round_hash: RoundHash) -> Result<CombinerRoundView, CombinerError> {
        self.post(paths::fill(paths::COMBINER_ABANDON, &[&round_hash]), &serde_json::json!({})).await
    }

    /// The error for an answer that breaks the contract of the API.
    pub(crate) fn unacceptable(&self) -> CombinerError {
        CombinerError::Unacceptable { holder: self.holder }
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: String,
        body: &impl Serialize,
    ) -> Result<T, CombinerError> {
        let answer = self.send(path, body).await?;
        serde_json::from_slice(&answer).map_err(|_| self.unacceptable())
    }

    async fn send(&self, path: String, body: &impl Serialize) -> Result<Vec<u8>, CombinerError> {
        self.answer(self.http.post(format!("{}{path}", self.url)).json(body)).await
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Vec<u8>, CombinerError> {
        let holder = self.holder;
        let unreachable = |source| CombinerError::Unreachable { holder, source };
        let request = request.header(AUTHORIZATION, self.token.header_value().as_str());
        let mut response = request.send().await.map_err(|error| unreachable(Some(error.without_url())))?;
        let (status, json) = (response.status(), is_json(&response));
        let mut answer = Vec::new();
        while let Some(bytes) =
            response.chunk().await.map_err(|error| unreachable(Some(error.without_url())))?
        {
            if answer.len() + bytes.len() > MAX_ANSWER_BYTES {
                return Err(self.unacceptable());
            }
            answer.extend_from_slice(&bytes);
        }
        match status {
            StatusCode::NO_CONTENT => Ok(answer),
            status if status.is_success() && json => Ok(answer),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(unreachable(None)),
            status if status.is_server_error() => Err(unreachable(None)),
            status => Err(self.refused(status, &answer)),
        }
    }

    /// Only an answer of the combiner itself is final. Any other answer means that the request did
    /// not reach it.
    fn refused(&self, status: StatusCode, answer: &[u8]) -> CombinerError {
        let holder = self.holder;
        match serde_json::from_slice::<Problem>(answer) {
            Ok(problem) if problem.is_own() && problem.kind() != Some(ProblemKind::Unauthorised) => {
                CombinerError::Refused { holder, problem: Box::new(plain(problem)) }
            }
            _ => CombinerError::Foreign { holder, status: status.as_u16() },
        }
    }
}

/// Reads the certificates of a PEM file, which must hold at least one.
fn authorities(path: &Path) -> Result<Vec<Certificate>, ConfigError> {
    let pem = fs::read(path).map_err(|source| ConfigError::File { path: path.to_owned(), source })?;
    let certificates = Certificate::from_pem_bundle(&pem).ok().filter(|found| !found.is_empty());
    let rule = "a file with at least one certificate in PEM";
    certificates.ok_or(ConfigError::Rule { field: "combiners.ca_file", rule })
}

fn is_json(response: &reqwest::Response) -> bool {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|value| value.starts_with("application/json"))
}

/// Makes a combiner's problem safe for the record and for answers. It becomes short, and loses its
/// control characters, since PostgreSQL refuses some of them.
fn plain(problem: Problem) -> Problem {
    let text = |text: String| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
    Problem {
        type_uri: text(problem.type_uri),
        title: text(problem.title),
        detail: problem.detail.map(text),
        field: problem.field.map(text),
        rule: problem.rule.map(text),
        request_id: None,
        status: problem.status,
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, routing::post};
    use kit::{
        config::{ListenConfig, TlsConfig},
        serve,
        shutdown::CancellationToken,
    };
    use zeroize::Zeroizing;

    use super::*;

    fn at(url: &str, ca_file: Option<&Path>) -> kit::Result<Combiner> {
        let config = CombinerConfig {
            url: url.to_owned(),
            identity_key: [0; 32].into(),
            ca_file: ca_file.map(Path::to_owned),
            allow_http: false,
        };
        let token = BearerToken::new(Zeroizing::new("a token of some length".to_owned())).unwrap();
        Combiner::new(1, &config, token, &Limits::default())
    }

    #[tokio::test]
    async fn a_certificate_counts_under_an_authority_that_is_configured() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(path("own.pem"), own.cert.pem()).unwrap();
        fs::write(path("own.key"), own.signing_key.serialize_pem()).unwrap();
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(path("other.pem"), other.cert.pem()).unwrap();
        let listen = ListenConfig {
            tls: Some(TlsConfig { certificate: path("own.pem"), key: path("own.key") }),
            port_file: Some(path("address")),
            ..ListenConfig::default()
        };
        let router = Router::new().route(paths::COMBINER_ROUND_KEYS, post(async || axum::Json(())));
        let stop = CancellationToken::new();
        let served = tokio::spawn(async move { serve::serve(router, &listen, stop).await });
        while !path("address").exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let address = fs::read_to_string(path("address")).unwrap();
        let url = format!("https://localhost:{}", address.rsplit_once(':').unwrap().1);
        let ask = async |authority| at(&url, Some(&path(authority))).unwrap().round_key([0; 16].into()).await;
        let answered = ask("own.pem").await;
        assert!(matches!(answered, Err(CombinerError::Unacceptable { .. })), "it was reached: {answered:?}");
        let refused = ask("other.pem").await;
        assert!(matches!(refused, Err(CombinerError::Unreachable { .. })), "{refused:?}");
        served.abort();
    }

    #[test]
    fn a_file_without_authorities_is_refused_by_name() {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let reason = || at("https://localhost", Some(&path)).unwrap_err().chain();
        assert!(reason().contains(&path.display().to_string()), "{}", reason());
        fs::write(&path, "not a certificate").unwrap();
        assert!(reason().contains("combiners.ca_file"), "{}", reason());
    }

    #[test]
    fn what_a_combiner_says_is_cut_to_plain_short_text() {
        let mut problem = Problem::new(ProblemKind::ReleaseConflict);
        problem.title = "a\u{0}b\n".repeat(1000);
        problem.detail = Some("\u{0}".into());
        let plain = plain(problem);
        assert_eq!(plain.title, "ab".repeat(100));
        assert_eq!(plain.detail.as_deref(), Some(""));
        assert_eq!(plain.kind(), Some(ProblemKind::ReleaseConflict));
    }
}
