//! Requests to the aggregator, and its answers.

use api::{
    Problem, ProblemKind,
    participants::Page,
    paths,
    rounds::{CreateRound, RoundState, RoundView, SignedRound},
};
use names::{ModelDigest, RoundId};
use protocol::{Signature, SignedDocument, VerifiedRound};
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use testbed::create_round;

use crate::deployment::{ADMIN_TOKEN, Deployment};

/// The model of the usual round.
const MODEL: &[u8] = b"the model that clients start from";

impl Deployment {
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: impl Into<reqwest::Body>,
        media_type: &str,
    ) -> Answer {
        let mut request = self.http.request(method, self.url(path)).body(body);
        request = request.header("content-type", media_type);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, "", "text/plain").await
    }

    /// Sends a request as the operator.
    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.send(Method::POST, path, Some(ADMIN_TOKEN), body, "application/json").await
    }

    pub(crate) async fn put(&self, path: &str, body: Vec<u8>) -> Answer {
        self.send(Method::PUT, path, None, body, "application/octet-stream").await
    }

    pub(crate) async fn upload_model(&self, bytes: &[u8]) -> ModelDigest {
        let digest = ModelDigest::from_bytes(Sha256::digest(bytes).into());
        let path = paths::fill(paths::MODEL, &[&digest]);
        let answer = self
            .send(Method::PUT, &path, Some(ADMIN_TOKEN), bytes.to_vec(), "application/octet-stream")
            .await;
        assert_eq!(answer.status, 204);
        digest
    }

    /// Plans a round on the usual model that is open for an hour.
    pub(crate) async fn plan(&self) -> CreateRound {
        create_round(self.upload_model(MODEL).await, &[("weights", &[40, 50]), ("bias", &[])])
    }

    pub(crate) async fn open_round(&self) -> OpenRound {
        self.open_planned(&self.plan().await).await
    }

    pub(crate) async fn open_planned(&self, plan: &CreateRound) -> OpenRound {
        let answer = self.post(paths::ROUNDS, plan).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let view: RoundView = answer.json();
        assert_eq!(view.state, RoundState::Open);
        let signed: SignedRound =
            self.get(&paths::fill(paths::ROUND_DOCUMENT, &[&view.round_id])).await.json();
        let signed = SignedDocument {
            document: signed.document.0,
            aggregator_signature: Signature(signed.aggregator_signature.0),
            countersignatures: signed
                .countersignatures
                .iter()
                .map(|signature| Signature(signature.0))
                .collect(),
        };
        OpenRound { id: view.round_id, verified: signed.verify(&self.pins).unwrap() }
    }

    pub(crate) async fn show(&self, round: &OpenRound) -> RoundView {
        self.get(&paths::fill(paths::ROUND, &[&round.id])).await.json()
    }

    pub(crate) async fn close(&self, round: &OpenRound) -> RoundView {
        let answer = self.post(&paths::fill(paths::ROUND_CLOSE, &[&round.id]), &()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn cancel(&self, round: &OpenRound) -> Answer {
        self.post(&paths::fill(paths::ROUND_CANCEL, &[&round.id]), &()).await
    }

    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str) -> Page<T> {
        self.get(path).await.json()
    }
}

/// A round that accepts contributions, and its verified document.
pub(crate) struct OpenRound {
    pub(crate) id: RoundId,
    pub(crate) verified: VerifiedRound,
}

impl OpenRound {
    pub(crate) fn folder(&self) -> String {
        format!("rounds/{}", hex::encode(self.verified.hash()))
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(self.headers["content-type"], api::problem::MEDIA_TYPE, "{}", self.text());
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status);
        problem
    }

    #[track_caller]
    pub(crate) fn refused(&self, kind: ProblemKind) {
        assert_eq!(self.problem().kind(), Some(kind), "{}", self.text());
    }
}
