//! A combiner for a test, with its database, its vault and the requests that an aggregator sends.

use api::{
    Hex, HexBytes, Problem, ProblemKind,
    combiner::{
        AttestRequest, AttestResponse, CombinerRoundView, ContributionEnvelope, CountersignRequest,
        Countersignature, ReceiptCall, ReleaseCall, ReleaseView, RoundKeyRequest, RoundKeyView, Verdict,
    },
    paths::{self, fill},
};
use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use combiner::{Combiner, Config, Limits, Policy};
use kit::{
    config::{DatabaseConfig, ListenConfig, LogConfig, Secret},
    time::{Clock, Timestamp},
    vault::KeyVault,
};
use local::{Service, databases::Migrate, scratch::ScratchDatabase};
use names::{PublicKey, RoundHash, RoundId};
use protocol::{
    Canonical, Holder, IdentityKey, Receipt, ReleaseAnswer, ReleaseRequest, RoundDocument, Signature, Signed,
    VerifiedRound, roles::round::sign_document,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Serialize, de::DeserializeOwned};
use sharing::RoundKeyPair;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use testbed::{Envelope, RoundBuilder};
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "the-token-of-the-services";
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// This combiner's index among the holders.
pub(crate) const HOLDER: u8 = 1;

const MIGRATE: Migrate = |pool| Box::pin(async move { combiner::migrate(&pool).await });

/// The body of a successful answer, or the problem.
pub(crate) type Reply<T> = Result<T, Box<Problem>>;

/// The kind of the problem in an answer. Panics if the request succeeded.
#[track_caller]
pub(crate) fn kind<T>(reply: Reply<T>) -> ProblemKind {
    reply.err().expect("the request was not refused").kind().expect("the problem has a known kind")
}

pub(crate) struct Deployment {
    pub(crate) rng: StdRng,
    pub(crate) registrar: IdentityKey,
    pub(crate) aggregator: IdentityKey,
    pub(crate) combiner: PublicKey,
    pub(crate) vault: KeyVault,
    pub(crate) database: ScratchDatabase,
    /// The combiner's wall clock. It stands still.
    pub(crate) clock: Clock,
    pub(crate) open_rounds_for_a_layout: u32,
    pub(crate) max_left_out: u16,
    pub(crate) receipts_per_second: u32,
    pub(crate) epoch_statement: Option<String>,
    pub(crate) router: Router,
    directory: TempDir,
    secret: String,
}

/// A round that was proposed to the combiner.
pub(crate) struct Round {
    pub(crate) verified: VerifiedRound,
}

impl Round {
    pub(crate) fn hash(&self) -> RoundHash {
        *self.verified.hash()
    }

    pub(crate) fn document(&self) -> &RoundDocument {
        self.verified.document()
    }

    /// The name of the round's key in the vault.
    pub(crate) fn vault_name(&self) -> String {
        self.document().round_id.to_string()
    }
}

impl Deployment {
    pub(crate) async fn new() -> Self {
        let mut rng = StdRng::from_entropy();
        let (registrar, aggregator) = (IdentityKey::generate(&mut rng), IdentityKey::generate(&mut rng));
        let identity = IdentityKey::generate(&mut rng);
        let directory = tempfile::tempdir().unwrap();
        let database = ScratchDatabase::create(Service::Combiner, MIGRATE).await.unwrap();
        let mut deployment = Self {
            rng,
            registrar,
            aggregator,
            combiner: identity.public(),
            vault: KeyVault::open(directory.path().join("vault")).unwrap(),
            database,
            clock: Clock::standing(Timestamp::now()),
            open_rounds_for_a_layout: 64,
            max_left_out: 100,
            receipts_per_second: 10_000,
            epoch_statement: None,
            router: Router::new(),
            directory,
            secret: Hex(*identity.secret().as_bytes()).to_string(),
        };
        deployment.restart().await;
        deployment
    }

    /// A combiner that lets a set leave out as much as it likes.
    pub(crate) async fn lenient() -> Self {
        let mut deployment = Self::new().await;
        deployment.max_left_out = 1000;
        deployment.restart().await;
        deployment
    }

    /// Starts the combiner again on the same database and vault.
    pub(crate) async fn restart(&mut self) {
        self.router = self.start().await;
    }

    /// Starts a combiner on the database and the vault.
    pub(crate) async fn start(&self) -> Router {
        self.start_combiner().await.router()
    }

    /// Starts a combiner that a test can beat.
    pub(crate) async fn start_combiner(&self) -> Combiner {
        Combiner::start_at(&self.config(), self.clock.clone()).await.unwrap()
    }

    pub(crate) fn config(&self) -> Config {
        let mut database = DatabaseConfig::new(Secret::text(self.database.url()));
        database.max_connections = 4;
        Config {
            listen: ListenConfig::default(),
            database,
            log: LogConfig::default(),
            identity_key: Secret::text(self.secret.clone()),
            vault: self.directory.path().join("vault"),
            service_token: Secret::text(TOKEN),
            policy: Policy {
                aggregator_key: self.aggregator.public(),
                registrar_key: self.registrar.public(),
                min_cohort_floor: 3,
                max_contributions_cap: 8,
                open_rounds_for_a_layout: self.open_rounds_for_a_layout,
                max_open_days: 30,
                max_release_days: 30,
                max_left_out: self.max_left_out,
                max_refused_by_others: 250,
                epoch_statement: self.epoch_statement.clone(),
            },
            limits: Limits {
                attest_batch: 64,
                max_request_bytes: 1 << 20,
                receipts_per_second: self.receipts_per_second,
                compute_threads: 2,
            },
        }
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url()).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap().into())
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Reply<T> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(serde_json::to_vec(body).unwrap()))
            .unwrap();
        let (status, body) = self.send(request).await;
        if status.is_success() { Ok(json(&body)) } else { Err(Box::new(json(&body))) }
    }

    pub(crate) async fn round_key(&self, round_id: RoundId) -> Reply<RoundKeyView> {
        self.call(Method::POST, paths::COMBINER_ROUND_KEYS, &RoundKeyRequest { round_id }).await
    }

    /// Drafts a document for a new round and applies `change`. The combiner has made the round's
    /// key.
    pub(crate) async fn draft(&mut self, change: impl FnOnce(&mut RoundDocument)) -> RoundDocument {
        let round_id = RoundId::from_bytes(self.rng.r#gen());
        let own = self.round_key(round_id).await.unwrap();
        let mut document = self.document(round_id, &own);
        change(&mut document);
        document
    }

    fn document(&mut self, round_id: RoundId, own: &RoundKeyView) -> RoundDocument {
        let aggregator_key = RoundKeyPair::generate(&mut self.rng);
        let holder = |identity_key, hpke_key_id, hpke_public_key| Holder {
            identity_key,
            hpke_key_id,
            hpke_public_key,
        };
        let holders = vec![
            holder(self.aggregator.public(), *aggregator_key.id(), *aggregator_key.public()),
            holder(self.combiner, own.hpke_key_id, own.hpke_public_key),
        ];
        let round = RoundBuilder::new(self.registrar.public(), holders).draw(&mut self.rng);
        let now_ms = self.clock.now().ms();
        round
            .set(|document| {
                document.round_id = round_id;
                (document.opens_at_ms, document.earliest_close_ms) = (now_ms - HOUR_MS, now_ms - HOUR_MS);
                document.closes_at_ms = now_ms + HOUR_MS;
                document.attest_by_ms = now_ms + 2 * HOUR_MS;
                document.release_by_ms = now_ms + 3 * HOUR_MS;
            })
            .document()
    }

    /// Proposes a document under the aggregator's signature.
    pub(crate) async fn propose(&self, document: &RoundDocument) -> Reply<Countersignature> {
        self.propose_signed(document.to_bytes(), sign_document(document, &self.aggregator)).await
    }

    pub(crate) async fn propose_signed(
        &self,
        document: Vec<u8>,
        signature: Signature,
    ) -> Reply<Countersignature> {
        let request =
            CountersignRequest { document: HexBytes(document), aggregator_signature: Hex(signature.0) };
        self.call(Method::POST, paths::COMBINER_ROUNDS, &request).await
    }

    /// Proposes a round, which the combiner countersigns.
    pub(crate) async fn round(&mut self) -> Round {
        let document = self.draft(|_| {}).await;
        self.propose(&document).await.unwrap();
        Round { verified: VerifiedRound::trusted(document).unwrap() }
    }

    pub(crate) fn contribution(&mut self, round: &Round, subject: &str) -> Envelope {
        Envelope::honest(&mut self.rng, &self.registrar, &round.verified, subject)
    }

    /// Prepares a round with `count` attested contributions, each of another participant.
    pub(crate) async fn attested(&mut self, count: usize) -> (Round, Vec<Envelope>) {
        let round = self.round().await;
        let contributions: Vec<_> =
            (0..count).map(|index| self.contribution(&round, &format!("participant-{index}"))).collect();
        let verdicts = self.attest(&round, &contributions).await.unwrap();
        assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Attested(_))), "{verdicts:?}");
        (round, contributions)
    }

    pub(crate) async fn attest(&self, round: &Round, contributions: &[Envelope]) -> Reply<Vec<Verdict>> {
        self.attest_envelopes(round, contributions.iter().map(Envelope::envelope).collect()).await
    }

    pub(crate) async fn attest_envelopes(
        &self,
        round: &Round,
        contributions: Vec<ContributionEnvelope>,
    ) -> Reply<Vec<Verdict>> {
        let path = fill(paths::COMBINER_ATTESTATIONS, &[&round.hash()]);
        let answer: AttestResponse = self.call(Method::POST, &path, &AttestRequest { contributions }).await?;
        Ok(answer.verdicts)
    }

    /// Signs a request to release these members, as the aggregator does.
    pub(crate) fn request(&self, round: &Round, members: &[&Envelope]) -> ReleaseRequest {
        let members = members.iter().map(|contribution| contribution.header.hash()).collect();
        ReleaseRequest::over(round.hash(), members).sign(&self.aggregator)
    }

    /// Sends a request to release and returns the bytes of the answer.
    pub(crate) async fn release(&self, round: &Round, request: &ReleaseRequest) -> Reply<Vec<u8>> {
        self.release_with(round, request, &[]).await
    }

    /// Sends a request to release with signed refusals of other combiners.
    pub(crate) async fn release_with(
        &self,
        round: &Round,
        request: &ReleaseRequest,
        refusals: &[HexBytes],
    ) -> Reply<Vec<u8>> {
        let path = fill(paths::COMBINER_RELEASE, &[&round.hash()]);
        let call = ReleaseCall { request: HexBytes(request.to_bytes()), refusals: refusals.to_vec() };
        let view: ReleaseView = self.call(Method::POST, &path, &call).await?;
        ReleaseAnswer::from_bytes(&view.answer.0).unwrap();
        Ok(view.answer.0)
    }

    /// Asks for the sum over these members.
    pub(crate) async fn release_over(&self, round: &Round, members: &[Envelope]) -> Reply<Vec<u8>> {
        self.release(round, &self.request(round, &members.iter().collect::<Vec<_>>())).await
    }

    /// Signs a receipt for a contribution, as the aggregator does.
    pub(crate) fn receipt(&self, round: &Round, of: &Envelope) -> Receipt {
        let receipt = Receipt {
            round_hash: round.hash(),
            contribution_id: of.header.contribution_id,
            header_hash: of.header.hash(),
            received_at_ms: 1,
            included_by_ms: 2,
            signature: Signature::BLANK,
        };
        receipt.sign(&self.aggregator)
    }

    /// Hands over a receipt without a token, as a participant does.
    pub(crate) async fn hand_over(&self, round: &Round, of: &Envelope, receipt: &Receipt) -> Reply<()> {
        let header = HexBytes(of.header.to_bytes());
        let call = ReceiptCall { header, receipt: HexBytes(receipt.to_bytes()) };
        self.hand_over_bytes(round, serde_json::to_vec(&call).unwrap()).await
    }

    pub(crate) async fn hand_over_bytes(&self, round: &Round, body: Vec<u8>) -> Reply<()> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(fill(paths::COMBINER_RECEIPTS, &[&round.hash()]))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        match self.send(request).await {
            (StatusCode::NO_CONTENT, _) => Ok(()),
            (_, body) => Err(Box::new(json(&body))),
        }
    }

    /// Hands over the message of a contribution with a bad proof, as the aggregator does.
    pub(crate) async fn refuse_proof(&self, round: &Round, message: Vec<u8>) -> Reply<()> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(fill(paths::COMBINER_REFUSED_PROOFS, &[&round.hash()]))
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .body(Body::from(message))
            .unwrap();
        match self.send(request).await {
            (StatusCode::NO_CONTENT, _) => Ok(()),
            (_, body) => Err(Box::new(json(&body))),
        }
    }

    pub(crate) async fn abandon(&self, round: &Round) -> Reply<CombinerRoundView> {
        self.call(Method::POST, &fill(paths::COMBINER_ABANDON, &[&round.hash()]), &()).await
    }

    pub(crate) async fn view(&self, round: &Round) -> Reply<CombinerRoundView> {
        self.call(Method::GET, &fill(paths::COMBINER_ROUND, &[&round.hash()]), &()).await
    }
}

pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)))
}
