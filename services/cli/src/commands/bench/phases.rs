//! The phases of a contribution, from the update to the unmasked sum. Each is timed alone.

use std::time::Instant;

use curve25519_dalek::Scalar;
use lattice::{
    CHUNK_COEFFICIENTS, CpuBackend, MaskPolynomials, RING_DEGREE, SmallPoly, expand::SecretStreamKey,
};
use masking::{ChunkSum, Masker, Quantised, RoundConstants, RoundRequest, quantise, unmask_chunk};
use names::{BodyDigest, MaskSeed, PublicKey, RoundHash};
use norm_proof::{NormProof, Parameters, Projecting, PublicValues, Statement, Verifying};
use protocol::BodyDigester;
use rand::{Rng, SeedableRng, rngs::OsRng, rngs::StdRng};
use sharing::{
    Commitment, KeyShare, RoundKeyPair, SealContext, SealRandomness, SealedSeed, ShareSeed, check_batch,
    open, seal,
};

use crate::error::{CommandError, Result};

/// Blocks of a body that the verifier reads at a time.
const READ_BLOCKS: usize = 128;
/// Contributions that the combiner checks together.
const BATCH: usize = 32;
/// The holders: the aggregator and one combiner.
const HOLDERS: u8 = 2;
const CLIP: f64 = 1.0;
const NORM_BOUND: u64 = 1 << 18;

/// The name of each phase and its milliseconds, always in the same order.
pub(super) type Sample = Vec<(&'static str, f64)>;

/// One contribution and the parameters of its round.
pub(super) struct Contribution {
    constants: RoundConstants,
    backend: CpuBackend,
    update: Vec<f32>,
    holders: Vec<RoundKeyPair>,
    mask_seed: MaskSeed,
    round_hash: RoundHash,
    client_key: PublicKey,
}

impl Contribution {
    pub(super) fn new(dimension: u64, max_contributions: u32) -> Result<Self> {
        let request = RoundRequest::unweighted(dimension, max_contributions, NORM_BOUND, CLIP);
        let rule = "and --contributions allow no round";
        let constants = RoundConstants::derive(&request)
            .map_err(|_| CommandError::Argument { argument: "--dimension", rule })?;
        let mut rng = StdRng::seed_from_u64(0);
        Ok(Self {
            constants,
            backend: CpuBackend::new(),
            update: (0..dimension).map(|_| rng.gen_range(-1.0..1.0)).collect(),
            holders: (0..HOLDERS).map(|_| RoundKeyPair::generate(&mut OsRng)).collect(),
            mask_seed: rng.r#gen::<[u8; 32]>().into(),
            round_hash: rng.r#gen::<[u8; 32]>().into(),
            client_key: rng.r#gen::<[u8; 32]>().into(),
        })
    }

    pub(super) fn constants(&self) -> &RoundConstants {
        &self.constants
    }

    /// Runs every phase once and times it. Fails if the unmasked sum is wrong.
    pub(super) fn measure(&self) -> Result<Sample> {
        let mut stopwatch = Stopwatch::default();
        let quantised = stopwatch.time("quantise_ms", || self.quantise());
        let Key { seeds, key, blinding, commitments } = stopwatch.time("commit_ms", || self.commit());
        let (body, phi) = stopwatch.time("mask_ms", || self.mask(&quantised, &key))?;
        let digest = stopwatch.time("digest_ms", || self.digest(&body));
        stopwatch.time("seal_ms", || {
            for (holder, seed) in (0..).zip(&seeds) {
                self.seal(holder, seed, &digest, &commitments);
            }
        });
        let statement = self.statement(digest, &commitments)?;
        let proof = stopwatch.time("prove_ms", || self.prove(&statement, &phi, &key, &blinding))?;
        stopwatch.time("verify_ms", || self.verify(&statement, &proof, &body))?;
        let sums = stopwatch.time("add_ms", || self.add(&body))?;
        let sum = stopwatch.time("unmask_ms", || self.unmask(&sums, &key))?;
        if !sum.iter().copied().eq(quantised.values().iter().copied().map(i64::from)) {
            return Err(CommandError::Unexpected { what: "unmasked sum" });
        }
        let batch = self.batch(&digest);
        let start = Instant::now();
        self.check(&batch, &digest)?;
        stopwatch.0.push(("combiner_ms_per_client", milliseconds(start) / BATCH as f64));
        Ok(stopwatch.0)
    }

    fn quantise(&self) -> Quantised {
        quantise(&self.update, 1, &self.constants, SecretStreamKey::generate(&mut OsRng))
            .expect("the update is finite and of the round's length")
    }

    fn commit(&self) -> Key {
        let seeds: Vec<_> = (0..HOLDERS).map(|_| ShareSeed::generate(&mut OsRng)).collect();
        let shares: Vec<_> = (0..).zip(&seeds).map(|(holder, seed)| self.share(holder, seed)).collect();
        let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
        let blinding = shares.iter().map(KeyShare::blinding).sum();
        let commitments = shares.iter().map(KeyShare::commit).collect();
        Key { seeds, key, blinding, commitments }
    }

    fn share(&self, holder: u8, seed: &ShareSeed) -> KeyShare {
        KeyShare::derive(seed, &self.round_hash, &self.client_key, holder)
    }

    /// Masks the update. Returns the body, and φ for the proof.
    fn mask(&self, quantised: &Quantised, key: &SmallPoly) -> Result<(Vec<u8>, Vec<i64>)> {
        let error_seed = SecretStreamKey::generate(&mut OsRng);
        let mut masker = Masker::new(&self.backend, &self.constants, &self.mask_seed, key, error_seed);
        let (mut body, mut phi) = (Vec::new(), Vec::with_capacity(quantised.values().len()));
        for (chunk, values) in (0..).zip(quantised.values().chunks(CHUNK_COEFFICIENTS)) {
            masker.mask_chunk_keeping(chunk, values, &mut body, &mut phi)?;
        }
        Ok((body, phi))
    }

    fn statement(&self, body_digest: BodyDigest, commitments: &[Commitment]) -> Result<Statement> {
        let constants = &self.constants;
        let (blocks, width, bound) = (constants.blocks(), constants.width(), constants.noisy_norm_bound);
        let values = PublicValues {
            parameters: Parameters::new(blocks, width, bound, HOLDERS)?,
            masks: MaskPolynomials::derive(&self.mask_seed),
            round_hash: self.round_hash,
            client_key: self.client_key,
            weight: 1,
            body_digest,
            commitments: commitments.to_vec(),
            sealed_digest: [0; 32].into(),
        };
        Ok(Statement::new(values)?)
    }

    fn prove(
        &self,
        statement: &Statement,
        phi: &[i64],
        key: &SmallPoly,
        blinding: &Scalar,
    ) -> Result<NormProof> {
        let key = SmallPoly::from_coefficients(key.coefficients()).expect("a key has N coefficients");
        let mut prover = Projecting::begin(statement.clone(), key, *blinding);
        for chunk in phi.chunks(CHUNK_COEFFICIENTS) {
            prover.project(&self.backend, chunk)?;
        }
        let mut prover = prover.commit(&mut OsRng)?;
        for chunk in phi.chunks(CHUNK_COEFFICIENTS) {
            prover.fold(&self.backend, chunk.len() / RING_DEGREE)?;
        }
        Ok(prover.finish()?)
    }

    /// Verifies the proof as the aggregator does for a contribution that arrives alone. For several
    /// at once, the aggregator checks the group equations together, which is cheaper for each.
    fn verify(&self, statement: &Statement, proof: &NormProof, body: &[u8]) -> Result<()> {
        let mut verifying = Verifying::begin(statement.clone(), proof.clone());
        for bytes in body.chunks(self.constants.width().bytes(READ_BLOCKS * RING_DEGREE)) {
            verifying.read(&self.backend, bytes)?;
        }
        Ok(verifying.finish(&mut OsRng)?.verify(&mut OsRng)?)
    }

    fn digest(&self, body: &[u8]) -> BodyDigest {
        let mut digester = BodyDigester::new(&self.constants);
        digester.push(body).and_then(|()| digester.finish()).expect("a masked body is canonical and complete")
    }

    fn seal(
        &self,
        holder: u8,
        seed: &ShareSeed,
        digest: &BodyDigest,
        commitments: &[Commitment],
    ) -> SealedSeed {
        let key = &self.holders[usize::from(holder)];
        let randomness = SealRandomness::generate(&mut OsRng);
        seal(seed, key.public(), &self.context(holder, digest, commitments), &randomness)
            .expect("the holder's key was generated here")
    }

    fn context<'a>(
        &'a self,
        holder: u8,
        digest: &'a BodyDigest,
        commitments: &'a [Commitment],
    ) -> SealContext<'a> {
        SealContext {
            round_hash: &self.round_hash,
            holder,
            hpke_key_id: self.holders[usize::from(holder)].id(),
            client_key: &self.client_key,
            body_digest: digest,
            commitments,
        }
    }

    fn add(&self, body: &[u8]) -> Result<Vec<ChunkSum>> {
        let mut rest = body;
        (0..self.constants.chunks())
            .map(|chunk| {
                let (bytes, after) = rest.split_at(self.constants.chunk_bytes(chunk));
                rest = after;
                Ok(ChunkSum::new(&self.constants, chunk)?.add(&self.backend, &self.constants, &[bytes])?)
            })
            .collect()
    }

    fn unmask(&self, sums: &[ChunkSum], key: &SmallPoly) -> Result<Vec<i64>> {
        let key: Vec<i64> = key.coefficients().iter().copied().map(i64::from).collect();
        let mut values = Vec::new();
        for sum in sums {
            values.extend(unmask_chunk(&self.backend, &self.constants, &self.mask_seed, &key, sum)?.sums);
        }
        Ok(values)
    }

    /// The data that the combiner receives for a batch of contributions.
    fn batch(&self, digest: &BodyDigest) -> Vec<(SealedSeed, Vec<Commitment>)> {
        let one = || {
            let Key { seeds, commitments, .. } = self.commit();
            (self.seal(1, &seeds[1], digest, &commitments), commitments)
        };
        (0..BATCH).map(|_| one()).collect()
    }

    /// Opens the sealed seeds of a batch, expands them to shares, and checks the commitments.
    fn check(&self, batch: &[(SealedSeed, Vec<Commitment>)], digest: &BodyDigest) -> Result<()> {
        let opened = batch.iter().map(|(sealed, commitments)| {
            let seed = open(&self.holders[1], sealed, &self.context(1, digest, commitments));
            seed.map(|seed| self.share(1, &seed))
        });
        let unexpected = CommandError::Unexpected { what: "key share" };
        let Ok(shares) = opened.collect::<std::result::Result<Vec<_>, _>>() else { return Err(unexpected) };
        let pairs: Vec<_> =
            shares.iter().zip(batch).map(|(share, (_, commitments))| (share, &commitments[1])).collect();
        if check_batch(&pairs, &mut OsRng).iter().all(std::result::Result::is_ok) {
            Ok(())
        } else {
            Err(unexpected)
        }
    }
}

/// A mask key as shares and as their sum, with the commitments to the shares.
struct Key {
    seeds: Vec<ShareSeed>,
    key: SmallPoly,
    blinding: Scalar,
    commitments: Vec<Commitment>,
}

#[derive(Default)]
struct Stopwatch(Sample);

impl Stopwatch {
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.push((name, milliseconds(start)));
        result
    }
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_is_measured_and_the_sum_is_right() {
        let sample = Contribution::new(5000, 64).unwrap().measure().unwrap();
        let names: Vec<_> = sample.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "quantise_ms",
                "commit_ms",
                "mask_ms",
                "digest_ms",
                "seal_ms",
                "prove_ms",
                "verify_ms",
                "add_ms",
                "unmask_ms",
                "combiner_ms_per_client"
            ]
        );
        assert!(sample.iter().all(|(_, time)| *time > 0.0));
    }
}
