//! A scripted server, and the parties of a round that it serves.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use api::{
    Hex, Problem, ProblemKind,
    contributions::{ContributionState, ContributionView},
    problem::MEDIA_TYPE,
    rounds::SignedRound,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use names::{ModelDigest, RoundId};
use protocol::{
    Canonical, Holder, IdentityKey, MessagePrefix, Pins, PrefixLength, Receipt, RoundDocument, Signature,
    Signed, SignedDocument, VerifiedRound,
    roles::{combiner::countersign, round::sign_document},
};
use rand::{SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use sharing::RoundKeyPair;
use tempfile::TempDir;
use testbed::{EPOCH, RoundBuilder};
use tokio::net::TcpListener;

use crate::{Client, ClientConfig, Floors, Participant, RetryPolicy};

pub(super) const MODEL: &[u8] = b"a model";
pub(super) const DIMENSION: usize = 3000;

/// The parties of a round, all played by the test.
pub(super) struct Parties {
    pub(super) aggregator: IdentityKey,
    pub(super) combiner: IdentityKey,
    pub(super) registrar: IdentityKey,
}

impl Parties {
    pub(super) fn new() -> Self {
        let key = |seed| IdentityKey::generate(&mut StdRng::seed_from_u64(seed));
        Self { aggregator: key(1), combiner: key(2), registrar: key(3) }
    }

    pub(super) fn pins(&self) -> Pins {
        Pins {
            aggregator: self.aggregator.public(),
            combiners: vec![self.combiner.public()],
            registrar: self.registrar.public(),
        }
    }

    pub(super) fn participant(&self, subject: &str) -> Participant {
        let rng = &mut rand::rngs::OsRng;
        let party = testbed::Participant::new(&self.registrar, subject, EPOCH, rng);
        Participant { identity: party.identity, credential: party.credential }
    }

    /// The document of the round whose id is `id` in every byte.
    pub(super) fn document(&self, id: u8) -> RoundDocument {
        let mut rng = StdRng::seed_from_u64(4);
        let mut holder = |key: &IdentityKey| {
            let pair = RoundKeyPair::generate(&mut rng);
            Holder { identity_key: key.public(), hpke_key_id: *pair.id(), hpke_public_key: *pair.public() }
        };
        let holders = vec![holder(&self.aggregator), holder(&self.combiner)];
        let round =
            RoundBuilder::new(self.registrar.public(), holders).tensors(&[("t", &[DIMENSION as u32])]);
        round
            .set(|document| {
                document.round_id = [id; 16].into();
                document.model_digest = ModelDigest::from_bytes(Sha256::digest(MODEL).into());
                document.model_bytes = MODEL.len() as u64;
                document.model_location = "/model".to_owned();
                document.max_contributions = 8;
                document.min_cohort = 2;
                document.clip = 10.0;
                document.weight_max = 4;
                document.mask_seed = [id; 32].into();
                (document.opens_at_ms, document.earliest_close_ms) = (0, 0);
                document.closes_at_ms = i64::MAX;
                (document.attest_by_ms, document.release_by_ms) = (i64::MAX, i64::MAX);
            })
            .document()
    }

    /// The document, signed by the aggregator and countersigned by the combiner.
    pub(super) fn signed(&self, document: &RoundDocument) -> SignedDocument {
        let round = VerifiedRound::trusted(document.clone()).unwrap();
        SignedDocument {
            document: document.to_bytes(),
            aggregator_signature: sign_document(document, &self.aggregator),
            countersignatures: vec![countersign(&round, 1, &self.combiner)],
        }
    }

    pub(super) fn round(&self, id: u8) -> VerifiedRound {
        self.signed(&self.document(id)).verify(&self.pins()).unwrap()
    }

    /// The answer of the aggregator to a message that it has stored.
    pub(super) fn view(&self, message: &[u8]) -> ContributionView {
        contribution_view(message, &self.aggregator, |_| ())
    }
}

/// The same answer, with a receipt that is changed by `change` and then signed by `key`.
pub(super) fn contribution_view(
    message: &[u8],
    key: &IdentityKey,
    change: impl Fn(&mut Receipt),
) -> ContributionView {
    let Ok(PrefixLength::Exactly(length)) = MessagePrefix::length(message) else {
        panic!("the server was sent something else than a message")
    };
    let header = MessagePrefix::from_bytes(&message[..length]).unwrap().header;
    let mut receipt = Receipt {
        round_hash: header.round_hash,
        contribution_id: header.contribution_id,
        header_hash: header.hash(),
        received_at_ms: 5,
        included_by_ms: 6,
        signature: Signature::BLANK,
    };
    change(&mut receipt);
    ContributionView {
        round_id: [0; 16].into(),
        contribution_id: header.contribution_id,
        header_hash: header.hash(),
        state: ContributionState::Received,
        reason: None,
        receipt: receipt.sign(key).to_bytes().into(),
        received_at_ms: 5,
    }
}

pub(super) fn signed_round(signed: &SignedDocument) -> SignedRound {
    SignedRound {
        document: signed.document.clone().into(),
        aggregator_signature: Hex(signed.aggregator_signature.0),
        countersignatures: signed.countersignatures.iter().map(|signature| Hex(signature.0)).collect(),
    }
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

type Answer = Box<dyn FnOnce(&Seen) -> Response + Send>;
type Rule = Box<dyn Fn(&Seen) -> Response + Send>;

/// Gives the scripted answers in turn, and stores the requests.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) url: String,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    otherwise: Arc<Mutex<Option<Rule>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener)
    }

    pub(super) fn on(listener: TcpListener) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { url, answers: Arc::default(), otherwise: Arc::default(), seen: Arc::default() };
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub(super) fn then(&self, answer: impl FnOnce(&Seen) -> Response + Send + 'static) -> &Self {
        self.answers.lock().unwrap().push_back(Box::new(answer));
        self
    }

    /// Sets the answer for requests that come when no scripted answer is left.
    pub(super) fn always(&self, answer: impl Fn(&Seen) -> Response + Send + 'static) {
        *self.otherwise.lock().unwrap() = Some(Box::new(answer));
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let seen = Seen {
        method: parts.method,
        path: parts.uri.to_string(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
    };
    server.seen.lock().unwrap().push(seen.clone());
    let answer = server.answers.lock().unwrap().pop_front();
    match answer {
        Some(answer) => answer(&seen),
        None => match &*server.otherwise.lock().unwrap() {
            Some(answer) => answer(&seen),
            None => problem(ProblemKind::NotFound),
        },
    }
}

pub(super) fn problem(kind: ProblemKind) -> Response {
    let status = StatusCode::from_u16(kind.status()).unwrap();
    let body = serde_json::to_vec(&Problem::new(kind)).unwrap();
    (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
}

pub(super) fn json(value: &impl serde::Serialize) -> Response {
    axum::Json(value).into_response()
}

/// A client with a state folder of its own and short waits.
pub(super) fn client(server: &Server, pins: Pins) -> (Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (client_in(&server.url, pins, &folder), folder)
}

pub(super) fn client_in(url: &str, pins: Pins, folder: &TempDir) -> Client {
    let retry = RetryPolicy {
        attempts: 4,
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_millis(40),
        ..RetryPolicy::default()
    };
    let config = ClientConfig {
        retry,
        threads: 1,
        floors: Floors::NONE,
        ..ClientConfig::new(url, pins, folder.path().join("state"))
    };
    Client::new(config).unwrap()
}

pub(super) fn id(byte: u8) -> RoundId {
    RoundId::from_bytes([byte; 16])
}

pub(super) fn update() -> Vec<f32> {
    (0..DIMENSION).map(|k| (k as f32).sin() / 100.0).collect()
}
