//! Contributions of a few blocks, masked as the definition says.

use curve25519_dalek::Scalar;
use lattice::{
    CpuBackend, Evaluation, MODULUS, MaskPolynomials, Poly, RING_DEGREE, SmallPoly, Width,
    expand::ProjectionRows, field, pack,
};
use names::{BodyDigest, PublicKey, RoundHash, SealedDigest};
use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};
use sharing::{KeyShare, ShareSeed};

use crate::{
    Folding, GroupEquations, NormProof, NormProofError, Parameters, Projecting, PublicValues, Statement,
    Verifying, transcript::ProofTranscript,
};

/// τ of the tests' rounds.
pub(super) const TRANSPORT_BITS: u32 = 20;
/// B_φ of the tests' rounds.
pub(super) const BOUND: u64 = 1 << 49;

pub(super) fn backend() -> CpuBackend {
    CpuBackend::new()
}

/// A contribution with everything that its client knows.
pub(super) struct Contribution {
    pub(super) statement: Statement,
    pub(super) key: Vec<i16>,
    pub(super) blinding: Scalar,
    pub(super) phi: Vec<i64>,
    pub(super) body: Vec<u8>,
}

/// A random vector of `blocks` blocks whose ℓ₂ norm is close to `norm`.
pub(super) fn gaussian(blocks: usize, norm: f64, rng: &mut StdRng) -> Vec<i64> {
    let sample = |rng: &mut StdRng| (0..12).map(|_| rng.r#gen::<f64>()).sum::<f64>() - 6.0;
    let values: Vec<f64> = (0..blocks * RING_DEGREE).map(|_| sample(rng)).collect();
    let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    values.iter().map(|v| (v * norm / length) as i64).collect()
}

impl Contribution {
    /// A contribution within the bound.
    pub(super) fn honest(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let update = gaussian(2, 0.99 * BOUND as f64, &mut rng);
        Self::of(&update, seed)
    }

    /// The contribution with φ ≈ `target`, up to the rounding for transport.
    pub(super) fn of(target: &[i64], seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xc0de);
        let width = Width::from_transport_bits(TRANSPORT_BITS).unwrap();
        let blocks = target.len() / RING_DEGREE;
        let (round_hash, client_key) = (RoundHash::from_bytes([1; 32]), PublicKey::from_bytes(rng.r#gen()));
        let shares: Vec<KeyShare> = (0..2)
            .map(|holder| KeyShare::derive(&ShareSeed::generate(&mut rng), &round_hash, &client_key, holder))
            .collect();
        let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
        let statement = Statement::new(PublicValues {
            parameters: Parameters::new(blocks as u64, width, BOUND, 2).unwrap(),
            masks: MaskPolynomials::derive(&[2; 32].into()),
            round_hash,
            client_key,
            weight: 3,
            body_digest: BodyDigest::from_bytes(rng.r#gen()),
            commitments: shares.iter().map(KeyShare::commit).collect(),
            sealed_digest: SealedDigest::from_bytes(rng.r#gen()),
        })
        .unwrap();
        let (phi, body) = mask(&statement.masks, &key, target, width);
        let blinding = shares.iter().map(KeyShare::blinding).sum();
        Self { statement, key: key.coefficients().to_vec(), blinding, phi, body }
    }

    pub(super) fn key(&self) -> SmallPoly {
        SmallPoly::from_coefficients(&self.key).unwrap()
    }

    pub(super) fn rows(&self) -> ProjectionRows {
        ProofTranscript::new(&self.statement).projection_rows()
    }

    /// A prover that has read φ.
    pub(super) fn projecting(&self) -> Projecting {
        let mut prover = Projecting::begin(self.statement.clone(), self.key(), self.blinding);
        self.phi.chunks(RING_DEGREE).for_each(|block| prover.project(&backend(), block).unwrap());
        prover
    }

    /// A prover that has folded R.
    pub(super) fn folding(&self) -> Result<Folding, NormProofError> {
        let mut prover = self.projecting().commit(&mut rng())?;
        fold(&mut prover, self.phi.len() / RING_DEGREE);
        Ok(prover)
    }

    pub(super) fn prove(&self) -> Result<NormProof, NormProofError> {
        self.folding()?.finish()
    }

    pub(super) fn verify(&self, proof: &NormProof) -> Result<(), NormProofError> {
        verify(&self.statement, proof, &self.body)
    }
}

pub(super) fn rng() -> impl rand::CryptoRng + RngCore {
    rand::rngs::OsRng
}

pub(super) fn fold(prover: &mut Folding, blocks: usize) {
    (0..blocks).for_each(|_| prover.fold(&backend(), 1).unwrap());
}

/// Runs all checks except the group equations.
pub(super) fn equations(
    statement: &Statement,
    proof: &NormProof,
    body: &[u8],
) -> Result<GroupEquations, NormProofError> {
    let mut verifier = Verifying::begin(statement.clone(), proof.clone());
    verifier.read(&backend(), body)?;
    verifier.finish(&mut rng())
}

pub(super) fn verify(statement: &Statement, proof: &NormProof, body: &[u8]) -> Result<(), NormProofError> {
    equations(statement, proof, body)?.verify(&mut rng())
}

/// φ and the packed body of b = round(a·s + target).
fn mask(masks: &MaskPolynomials, key: &SmallPoly, target: &[i64], width: Width) -> (Vec<i64>, Vec<u8>) {
    let tau = width.transport_bits();
    let (mut phi, mut words) = (Vec::new(), Vec::new());
    for (index, block) in (0..).zip(target.chunks(RING_DEGREE)) {
        let mut product = vec![0; RING_DEGREE];
        masks.expand(index, &mut product);
        product.iter_mut().zip(key.to_evaluation().values()).for_each(|(a, &s)| *a = field::mul(*a, s));
        let product = Poly::<Evaluation>::from_canonical(&product).unwrap().into_coefficients();
        for (&product, &target) in product.values().iter().zip(block) {
            let exact = field::add(product, field::from_signed(target));
            let word = ((u128::from(exact) + (1 << (tau - 1))) >> tau) as u64;
            words.push(word);
            phi.push(field::centre(field::sub(word << tau, product)));
            assert!(word << tau < MODULUS);
        }
    }
    let mut body = vec![0; width.bytes(words.len())];
    pack::pack(width, &words, &mut body);
    (phi, body)
}
