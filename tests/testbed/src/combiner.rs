//! A combiner on a loopback address. It keeps the rules of the protocol and has no database. A test
//! can make it fail.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use api::{
    Hex, HexBytes, Problem, ProblemKind,
    combiner::{
        AttestRequest, AttestResponse, CombinerRoundState, CombinerRoundView, CountersignRequest,
        Countersignature, ReleaseCall, ReleaseView, RoundKeyRequest, RoundKeyView, Verdict,
    },
    paths,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use names::{HeaderHash, PublicKey, RoundHash, RoundId, SetRoot};
use protocol::{
    Canonical, ContributionHeader, IdentityKey, MessagePrefix, PrefixLength, Refusal, RefusedFor,
    ReleaseRequest, SealedSeeds, Signature, Unreleased, VerifiedRound,
    roles::combiner::{
        AttestedMember, CombinerPolicy, answer, attest, check_release, check_shares, countersign, open_share,
        refuse,
    },
};
use rand::rngs::OsRng;
use sharing::RoundKeyPair;

/// The way in which a combiner misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not misbehave.
    None,
    /// It answers 503 to every request.
    Down,
    /// A proxy in front of it does not know the address.
    BehindWrongProxy,
    /// A proxy in front of it answers with a page that asks for a password.
    BehindLoginPage,
    /// It was given another token.
    OtherToken,
    /// It answers 503 to requests to release.
    ReleaseDown,
    /// It finds that every set leaves out too many.
    MissesMany,
    /// It finds that a set leaves out too many, until all that it attested are in the set or handed
    /// over with a refused proof.
    MissesUnproved,
    /// It releases, but holds the answer back until this fault is replaced.
    ReleaseLate,
    /// It does not countersign.
    RefusesRounds,
    /// It attests with a signature that does not verify.
    ForgesAttestations,
    /// It refuses every share and signs that.
    RefusesShares,
    /// It refuses every contribution for a bad proof, and signs nothing.
    RefusesUnsigned,
    /// It refuses every share with a signature that does not verify.
    ForgesRefusals,
    /// It refuses every share, and signs that it received other sealed seeds.
    RefusesOtherSeals,
    /// It signs that every header breaks a rule.
    RefusesByRule,
    /// It answers with a signed key sum that is off by one.
    LiesAboutSum,
    /// It states that nothing was released, with a signature that does not verify.
    ForgesStatements,
}

/// A combiner on a loopback address that a test controls.
#[derive(Clone)]
pub struct ScriptedCombiner {
    /// The address on which it listens.
    pub address: SocketAddr,
    /// The public half of its identity key.
    pub key: PublicKey,
    shared: Arc<Shared>,
}

struct Shared {
    identity: IdentityKey,
    policy: CombinerPolicy,
    token: String,
    fault: Mutex<Fault>,
    keys: Mutex<HashMap<RoundId, RoundKeyPair>>,
    rounds: Mutex<HashMap<RoundHash, Round>>,
}

struct Round {
    round: VerifiedRound,
    holder: u8,
    attested: HashMap<HeaderHash, AttestedMember>,
    /// The contributions that it was asked to attest.
    asked_about: HashSet<HeaderHash>,
    /// The roots of the sets that it was asked to release.
    asked: HashSet<SetRoot>,
    /// Contributions that were handed over with a refused proof.
    shown: HashSet<HeaderHash>,
    /// Contributions that the last set left out.
    missed: Vec<HeaderHash>,
    released: bool,
    abandoned: bool,
}

impl ScriptedCombiner {
    /// Starts a combiner that trusts these keys and demands this token. It serves until the runtime
    /// ends.
    pub async fn start(aggregator: PublicKey, registrar: PublicKey, token: &str) -> Self {
        let identity = IdentityKey::generate(&mut OsRng);
        let key = identity.public();
        let policy = CombinerPolicy {
            aggregator,
            registrar,
            min_cohort_floor: 2,
            max_contributions_cap: 1 << 20,
            max_open_ms: i64::MAX,
            max_release_ms: i64::MAX,
        };
        let shared = Arc::new(Shared {
            identity,
            policy,
            token: format!("Bearer {token}"),
            fault: Mutex::new(Fault::None),
            keys: Mutex::default(),
            rounds: Mutex::default(),
        });
        let router = Router::new()
            .route(paths::COMBINER_ROUND_KEYS, post(round_key))
            .route(paths::COMBINER_ROUNDS, post(countersign_round))
            .route(paths::COMBINER_ATTESTATIONS, post(attest_contributions))
            .route(paths::COMBINER_ROUND, get(round_view))
            .route(paths::COMBINER_REFUSED_PROOFS, post(refused_proof).layer(DefaultBodyLimit::disable()))
            .route(paths::COMBINER_RELEASE, post(release))
            .route(paths::COMBINER_ABANDON, post(abandon))
            .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { address, key, shared }
    }

    /// Replaces the present fault.
    pub fn set(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// Returns whether the round was abandoned.
    pub fn has_abandoned(&self, round_hash: &RoundHash) -> bool {
        self.shared.rounds.lock().unwrap().get(round_hash).is_some_and(|round| round.abandoned)
    }

    /// Returns whether it has released a sum of the round.
    pub fn has_released(&self, round_hash: &RoundHash) -> bool {
        self.shared.rounds.lock().unwrap().get(round_hash).is_some_and(|round| round.released)
    }

    /// Returns whether it was asked to attest this contribution.
    pub fn was_asked_about(&self, round_hash: &RoundHash, header_hash: &HeaderHash) -> bool {
        self.shared.rounds.lock().unwrap()[round_hash].asked_about.contains(header_hash)
    }

    /// Counts the different sets of the round that it was asked to release.
    pub fn sets_asked_for(&self, round_hash: &RoundHash) -> usize {
        self.shared.rounds.lock().unwrap()[round_hash].asked.len()
    }
}

impl Shared {
    /// The refusal with which it answers in the place of an honest verdict.
    fn refusal(&self, round: &VerifiedRound, holder: u8, header: &ContributionHeader) -> Option<Verdict> {
        let mut sealed = header.sealed_digest;
        let mut reason = RefusedFor::Share;
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::RefusesUnsigned => {
                return Some(Verdict::Refused { reason: ProblemKind::ProofRefused, refusal: None });
            }
            Fault::RefusesOtherSeals => sealed = SealedSeeds::digest_of(b"other seeds"),
            Fault::RefusesByRule => reason = RefusedFor::Rule,
            Fault::RefusesShares | Fault::ForgesRefusals => {}
            _ => return None,
        }
        let mut signed = refuse(round, holder, &header.hash(), &sealed, reason, &self.identity);
        if fault == Fault::ForgesRefusals {
            signed.signature.0[0] ^= 1;
        }
        // The reason that is not signed claims more than the combiner can know.
        let refusal = Some(HexBytes(signed.to_bytes()));
        Some(Verdict::Refused { reason: ProblemKind::ProofRefused, refusal })
    }

    fn fails(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == fault
    }
}

type Answer<T> = Result<Json<T>, Response>;

fn problem(kind: ProblemKind) -> Response {
    (StatusCode::from_u16(kind.status()).unwrap(), Json(Problem::new(kind))).into_response()
}

fn refused(refusal: &Refusal) -> Response {
    problem(refusal.into())
}

async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let token = request.headers().get("authorization").map(|value| value.as_bytes().to_vec());
    if token.as_deref() != Some(shared.token.as_bytes()) {
        return problem(ProblemKind::Unauthorised);
    }
    let fault = *shared.fault.lock().unwrap();
    match fault {
        Fault::Down => problem(ProblemKind::Unavailable),
        Fault::OtherToken => problem(ProblemKind::Unauthorised),
        Fault::BehindWrongProxy => {
            let page = r#"{"type": "about:blank", "title": "Not Found", "status": 404}"#;
            (StatusCode::NOT_FOUND, [("content-type", "application/problem+json")], page).into_response()
        }
        Fault::BehindLoginPage => Html("<title>Please log in</title>").into_response(),
        _ => next.run(request).await,
    }
}

async fn round_key(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<RoundKeyRequest>,
) -> Answer<RoundKeyView> {
    let mut keys = shared.keys.lock().unwrap();
    let key = keys.entry(request.round_id).or_insert_with(|| RoundKeyPair::generate(&mut OsRng));
    Ok(Json(RoundKeyView { hpke_key_id: *key.id(), hpke_public_key: *key.public() }))
}

async fn countersign_round(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<CountersignRequest>,
) -> Answer<Countersignature> {
    if shared.fails(Fault::RefusesRounds) {
        return Err(problem(ProblemKind::RoundRefused));
    }
    let keys = shared.keys.lock().unwrap();
    let document = protocol::RoundDocument::from_bytes(&request.document.0).unwrap();
    let key = keys.get(&document.round_id).ok_or_else(|| problem(ProblemKind::NotFound))?;
    let signature = Signature(request.aggregator_signature.0);
    let (round, holder) = shared
        .policy
        .accept(&request.document.0, &signature, &shared.identity.public(), key, 0, 0)
        .map_err(|refusal| refused(&refusal))?;
    let countersignature = Hex(countersign(&round, holder, &shared.identity).0);
    let hash = *round.hash();
    let stored = Round {
        round,
        holder,
        attested: HashMap::new(),
        asked_about: HashSet::new(),
        asked: HashSet::new(),
        shown: HashSet::new(),
        missed: Vec::new(),
        released: false,
        abandoned: false,
    };
    shared.rounds.lock().unwrap().insert(hash, stored);
    Ok(Json(Countersignature { countersignature }))
}

async fn attest_contributions(
    State(shared): State<Arc<Shared>>,
    Path(hash): Path<RoundHash>,
    Json(request): Json<AttestRequest>,
) -> Answer<AttestResponse> {
    let keys = shared.keys.lock().unwrap();
    let mut rounds = shared.rounds.lock().unwrap();
    let Round { round, holder, attested, asked_about, .. } =
        rounds.get_mut(&hash).ok_or_else(|| problem(ProblemKind::NotFound))?;
    let key = &keys[&round.document().round_id];
    let mut verdicts = Vec::new();
    for envelope in request.contributions {
        let header = ContributionHeader::from_bytes(&envelope.header.0).unwrap();
        let sealed = SealedSeeds::from_bytes(&envelope.sealed_seeds.0).unwrap();
        let sealed_digest = sealed.digest();
        asked_about.insert(header.hash());
        if let Some(refused) = shared.refusal(round, *holder, &header) {
            verdicts.push(refused);
            continue;
        }
        let verdict = open_share(round, *holder, key, &header, &sealed)
            .and_then(|share| check_shares(*holder, &[(&header, &share)], &mut OsRng).remove(0));
        verdicts.push(match verdict {
            Ok(()) => {
                let mut attestation = attest(round, *holder, &header, &shared.identity).unwrap();
                if shared.fails(Fault::ForgesAttestations) {
                    attestation.signature.0[0] ^= 1;
                }
                attested.insert(header.hash(), AttestedMember { header, sealed });
                Verdict::Attested(HexBytes(attestation.to_bytes()))
            }
            Err(refusal) => {
                let (hash, digest) = (header.hash(), sealed_digest);
                let reason = RefusedFor::of(&refusal);
                let signed = refuse(round, *holder, &hash, &digest, reason, &shared.identity);
                let refusal_bytes = HexBytes(signed.to_bytes());
                Verdict::Refused { reason: (&refusal).into(), refusal: Some(refusal_bytes) }
            }
        });
    }
    Ok(Json(AttestResponse { verdicts }))
}

async fn round_view(
    State(shared): State<Arc<Shared>>,
    Path(round_hash): Path<RoundHash>,
) -> Answer<CombinerRoundView> {
    let rounds = shared.rounds.lock().unwrap();
    let round = rounds.get(&round_hash).ok_or_else(|| problem(ProblemKind::NotFound))?;
    Ok(Json(CombinerRoundView {
        round_hash,
        state: CombinerRoundState::Countersigned,
        attested: round.attested.len() as u64,
        refused: 0,
        root: None,
        waiting_for: round.missed.clone(),
        key_destroyed_at_ms: None,
        unreleased: None,
    }))
}

/// Takes a whole message. It does not verify the proof.
async fn refused_proof(
    State(shared): State<Arc<Shared>>,
    Path(hash): Path<RoundHash>,
    message: Bytes,
) -> Result<StatusCode, Response> {
    let mut rounds = shared.rounds.lock().unwrap();
    let round = rounds.get_mut(&hash).ok_or_else(|| problem(ProblemKind::NotFound))?;
    let Ok(PrefixLength::Exactly(length)) = MessagePrefix::length(&message) else {
        return Err(problem(ProblemKind::MalformedMessage));
    };
    let prefix = MessagePrefix::from_bytes(&message[..length]).map_err(|refusal| refused(&refusal))?;
    if (message.len() - length) as u64 != round.round.constants().body_bytes() {
        return Err(problem(ProblemKind::LengthMismatch));
    }
    round.shown.insert(prefix.header.hash());
    Ok(StatusCode::NO_CONTENT)
}

async fn release(
    State(shared): State<Arc<Shared>>,
    Path(hash): Path<RoundHash>,
    Json(call): Json<ReleaseCall>,
) -> Answer<ReleaseView> {
    let view = release_once(&shared, hash, &call).map_err(|response| *response)?;
    while shared.fails(Fault::ReleaseLate) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Ok(Json(view))
}

fn release_once(shared: &Shared, hash: RoundHash, call: &ReleaseCall) -> Result<ReleaseView, Box<Response>> {
    let keys = shared.keys.lock().unwrap();
    let mut rounds = shared.rounds.lock().unwrap();
    let Round { round, holder, attested, asked, shown, missed, released, abandoned, .. } =
        rounds.get_mut(&hash).ok_or_else(|| Box::new(problem(ProblemKind::NotFound)))?;
    let request = ReleaseRequest::from_bytes(&call.request.0).unwrap();
    asked.insert(request.root);
    if shared.fails(Fault::ReleaseDown) {
        return Err(Box::new(problem(ProblemKind::Unavailable)));
    }
    let misses = |hash: &HeaderHash| !request.members.contains(hash) && !shown.contains(hash);
    *missed = attested.keys().filter(|hash| misses(hash)).copied().collect();
    if shared.fails(Fault::MissesMany) || (shared.fails(Fault::MissesUnproved) && !missed.is_empty()) {
        return Err(Box::new(problem(ProblemKind::LeftOut)));
    }
    if *abandoned {
        return Err(Box::new(problem(ProblemKind::RoundKeyDestroyed)));
    }
    let members = check_release(round, &request, |hash| attested.get(hash));
    let members = members.map_err(|refusal| Box::new(refused(&refusal)))?;
    let key = &keys[&round.document().round_id];
    let mut answered = answer(round, &request.root, *holder, key, &members, &shared.identity).unwrap();
    if shared.fails(Fault::LiesAboutSum) {
        use protocol::Signed;

        answered.key_sum[7] += 1;
        answered = answered.sign(&shared.identity);
    }
    *released = true;
    Ok(ReleaseView { answer: HexBytes(answered.to_bytes()) })
}

async fn abandon(
    State(shared): State<Arc<Shared>>,
    Path(hash): Path<RoundHash>,
) -> Answer<CombinerRoundView> {
    let mut rounds = shared.rounds.lock().unwrap();
    let round = rounds.get_mut(&hash).ok_or_else(|| problem(ProblemKind::NotFound))?;
    if round.released {
        return Err(problem(ProblemKind::RoundState));
    }
    round.abandoned = true;
    let mut statement = Unreleased::state(hash, round.holder, &shared.identity);
    if shared.fails(Fault::ForgesStatements) {
        statement.signature.0[0] ^= 1;
    }
    Ok(Json(CombinerRoundView {
        round_hash: hash,
        state: CombinerRoundState::Abandoned,
        attested: round.attested.len() as u64,
        refused: 0,
        root: None,
        waiting_for: Vec::new(),
        key_destroyed_at_ms: Some(0),
        unreleased: Some(HexBytes(statement.to_bytes())),
    }))
}
