//! This product. It quantises, commits, masks and proves an update, verifies the share and the
//! proof, and adds the body.

use curve25519_dalek::Scalar;
use lattice::{
    CHUNK_COEFFICIENTS, CpuBackend, MaskPolynomials, RING_DEGREE, SmallPoly, expand::SecretStreamKey,
};
use masking::{ChunkSum, Masker, RoundConstants, RoundRequest, quantise};
use norm_proof::{NormProof, Parameters, Projecting, PublicValues, Statement, Verifying};
use rand::{Rng, rngs::OsRng};
use sharing::{KeyShare, ShareSeed};

use crate::{Cost, timed};

const HOLDERS: u8 = 2;
/// The bytes of the header and of two sealed seeds.
const SMALL_PARTS: usize = 2880;
const PIECE: usize = 128;

struct Contribution {
    statement: Statement,
    shares: Vec<KeyShare>,
    body: Vec<u8>,
    proof: Vec<u8>,
}

/// Makes one contribution as a client, checks it as both holders, and adds it as the aggregator.
pub(crate) fn contribute(dimension: usize) -> Cost {
    let request = RoundRequest::unweighted(dimension as u64, 4096, 1 << 18, 1.0);
    let constants = RoundConstants::derive(&request).expect("a round");
    let update: Vec<f32> = (0..dimension).map(|_| OsRng.gen_range(-1.0..1.0)).collect();
    let (contribution, client_ms) = timed(|| make(&constants, &update));
    let ((), servers_ms) = timed(|| check(&constants, &contribution));
    Cost { client_ms, servers_ms, bytes: SMALL_PARTS + contribution.proof.len() + contribution.body.len() }
}

fn make(constants: &RoundConstants, update: &[f32]) -> Contribution {
    let backend = CpuBackend::new();
    let quantised =
        quantise(update, 1, constants, SecretStreamKey::generate(&mut OsRng)).expect("a finite update");
    let seeds: Vec<_> = (0..HOLDERS).map(|_| ShareSeed::generate(&mut OsRng)).collect();
    let (round_hash, client_key) = ([1; 32].into(), [2; 32].into());
    let shares: Vec<_> = (0..)
        .zip(&seeds)
        .map(|(holder, seed)| KeyShare::derive(seed, &round_hash, &client_key, holder))
        .collect();
    let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
    let blinding: Scalar = shares.iter().map(KeyShare::blinding).sum();

    let (mut body, mut phi) = (Vec::new(), Vec::new());
    let mask_seed = [3; 32].into();
    let mut masker =
        Masker::new(&backend, constants, &mask_seed, &key, SecretStreamKey::generate(&mut OsRng));
    for (chunk, values) in (0..).zip(quantised.values().chunks(CHUNK_COEFFICIENTS)) {
        masker.mask_chunk_keeping(chunk, values, &mut body, &mut phi).expect("the next chunk");
    }
    let statement = Statement::new(PublicValues {
        parameters: Parameters::new(
            constants.blocks(),
            constants.width(),
            constants.noisy_norm_bound,
            HOLDERS,
        )
        .expect("derived constants"),
        masks: MaskPolynomials::derive(&mask_seed),
        round_hash,
        client_key,
        weight: 1,
        body_digest: [4; 32].into(),
        commitments: shares.iter().map(KeyShare::commit).collect(),
        sealed_digest: [5; 32].into(),
    })
    .expect("a commitment for each holder");
    let mut prover = Projecting::begin(statement.clone(), key, blinding);
    prover.project(&backend, &phi).expect("whole blocks");
    let mut prover = prover.commit(&mut OsRng).expect("within the bound");
    prover.fold(&backend, phi.len() / RING_DEGREE).expect("whole blocks");
    let proof = prover.finish().expect("complete").to_bytes();
    Contribution { statement, shares, body, proof }
}

fn check(constants: &RoundConstants, contribution: &Contribution) {
    let backend = CpuBackend::new();
    for (share, commitment) in contribution.shares.iter().zip(&contribution.statement.commitments) {
        sharing::check(share, commitment).expect("an honest share");
    }
    let proof = NormProof::from_bytes(&contribution.proof).expect("an honest proof");
    let mut verifier = Verifying::begin(contribution.statement.clone(), proof);
    for piece in contribution.body.chunks(constants.width().bytes(PIECE * RING_DEGREE)) {
        verifier.read(&backend, piece).expect("whole blocks");
    }
    verifier.finish(&mut OsRng).and_then(|left| left.verify(&mut OsRng)).expect("an honest proof");
    let mut rest = &contribution.body[..];
    for chunk in 0..constants.chunks() {
        let (bytes, after) = rest.split_at(constants.chunk_bytes(chunk));
        let sum = ChunkSum::new(constants, chunk).expect("a chunk");
        sum.add(&backend, constants, &[bytes]).expect("canonical words");
        rest = after;
    }
}
