//! Writes `tests/vectors/norm-proof.json`: a contribution of one block with a proof that verifies,
//! and changes after which it does not verify.
//!
//! ```sh
//! cargo run --release -p norm-proof --example vectors > tests/vectors/norm-proof.json
//! ```

#![expect(clippy::print_stdout, reason = "this program prints the vectors")]

use curve25519_dalek::Scalar;
use lattice::{CpuBackend, MaskPolynomials, MaskingBackend, RING_DEGREE, SmallPoly, Width, field, pack};
use names::{BodyDigest, MaskSeed, PublicKey, RoundHash, SealedDigest};
use norm_proof::{Parameters, Projecting, PublicValues, Statement};
use rand::{Rng, rngs::OsRng};
use serde_json::{Value, json};
use sharing::{KeyShare, ShareSeed};

const MASK_SEED: MaskSeed = MaskSeed::from_bytes([1; 32]);
const ROUND_HASH: RoundHash = RoundHash::from_bytes([2; 32]);
const CLIENT_KEY: PublicKey = PublicKey::from_bytes([3; 32]);
const BODY_DIGEST: BodyDigest = BodyDigest::from_bytes([8; 32]);
const SEALED_DIGEST: SealedDigest = SealedDigest::from_bytes([9; 32]);
const TRANSPORT_BITS: u32 = 20;
const BOUND: u64 = 1 << 40;

fn main() {
    let width = Width::from_transport_bits(TRANSPORT_BITS).expect("a width");
    let shares: Vec<_> = (0..2)
        .map(|holder| {
            KeyShare::derive(&ShareSeed::from_bytes([4 + holder; 32]), &ROUND_HASH, &CLIENT_KEY, holder)
        })
        .collect();
    let key = SmallPoly::sum(shares.iter().map(KeyShare::coefficients));
    let masks = MaskPolynomials::derive(&MASK_SEED);
    let (phi, body) = masked(&masks, &key, width);
    let statement = Statement::new(PublicValues {
        parameters: Parameters::new(1, width, BOUND, 2).expect("a round"),
        masks,
        round_hash: ROUND_HASH,
        client_key: CLIENT_KEY,
        weight: 7,
        body_digest: BODY_DIGEST,
        commitments: shares.iter().map(KeyShare::commit).collect(),
        sealed_digest: SEALED_DIGEST,
    })
    .expect("a commitment for each holder");
    let blinding = shares.iter().map(KeyShare::blinding).sum();
    let proof = prove(&statement, &key, blinding, &phi);
    // Only the openings of the commitments are wrong in this proof.
    let unopened = prove(&statement, &key, blinding + Scalar::ONE, &phi);
    let commitments: Vec<_> = statement.commitments.iter().map(|one| one.encoded().to_string()).collect();
    let vectors = json!({
        "format": "docs/wire-formats.md, section 11",
        "command": "cargo run --release -p norm-proof --example vectors > tests/vectors/norm-proof.json",
        "blocks": 1,
        "transport_bits": TRANSPORT_BITS,
        "noisy_norm_bound": BOUND,
        "mask_seed": MASK_SEED.to_string(),
        "round_hash": ROUND_HASH.to_string(),
        "client_key": CLIENT_KEY.to_string(),
        "weight": 7,
        "body_digest": BODY_DIGEST.to_string(),
        "commitments": commitments,
        "sealed_digest": SEALED_DIGEST.to_string(),
        "body": hex::encode(body),
        "proof": hex::encode(proof),
        "refused_proofs": [
            { "name": "a key that the commitments do not open to", "check": "openings", "proof": hex::encode(unopened) },
        ],
        "faults": faults(),
    });
    println!("{vectors:#}");
}

fn prove(statement: &Statement, key: &SmallPoly, blinding: Scalar, phi: &[i64]) -> Vec<u8> {
    let key = SmallPoly::from_coefficients(key.coefficients()).expect("N coefficients");
    let mut prover = Projecting::begin(statement.clone(), key, blinding);
    prover.project(&CpuBackend::new(), phi).expect("one block");
    let mut prover = prover.commit(&mut OsRng).expect("within the bound");
    prover.fold(&CpuBackend::new(), 1).expect("one block");
    prover.finish().expect("complete").to_bytes()
}

/// φ with a norm of about a hundredth of the bound, and the body of b = round(a·s + φ).
fn masked(masks: &MaskPolynomials, key: &SmallPoly, width: Width) -> (Vec<i64>, Vec<u8>) {
    let tau = width.transport_bits();
    let mut products = vec![0; RING_DEGREE];
    CpuBackend::new().mask_product(masks, 0, &key.to_evaluation(), &mut products).expect("one block");
    let mut word = |&product: &u64| {
        let exact = field::add(product, field::from_signed(OsRng.gen_range(-(1 << 28)..1 << 28)));
        ((u128::from(exact) + (1 << (tau - 1))) >> tau) as u64
    };
    let words: Vec<u64> = products.iter().map(&mut word).collect();
    let phi =
        words.iter().zip(&products).map(|(&word, &product)| field::centre(field::sub(word << tau, product)));
    let mut body = vec![0; width.bytes(RING_DEGREE)];
    pack::pack(width, &words, &mut body);
    (phi.collect(), body)
}

/// Each fault flips one bit of one field. `check` names the check that then fails.
fn faults() -> Value {
    let scalars = 6 + 4 * 32 + 128 * 16 + 7 * 32;
    let fault = |name: &str, part: &str, byte: usize, check: &str| json!({ "name": name, "part": part, "byte": byte, "xor": 1, "check": check });
    json!([
        fault("another version", "proof", 4, "encoding"),
        fault("a smallness sum moved", "proof", 6 + 4 * 32, "linear relations"),
        json!({ "name": "a smallness sum out of range", "part": "proof", "byte": 6 + 4 * 32 + 15, "xor": 64, "check": "smallness" }),
        fault("the linear mask moved", "proof", scalars, "linear relations"),
        fault("the response of a key coefficient moved", "proof", scalars + 32, "linear relations"),
        fault("the response of a flooding moved", "proof", scalars + 32 * 2434, "linear relations"),
        fault("a response of the slack moved", "proof", scalars + 32 * 2435, "range"),
        fault("a blinding moved", "proof", scalars + 32 * 2437, "range"),
        fault("the range proof's last scalar moved", "proof", 81_318 - 32, "range"),
        fault("another body", "body", 100, "linear relations"),
        fault("another round", "round_hash", 0, "linear relations"),
        fault("another client", "client_key", 31, "linear relations"),
        fault("another digest of the body", "body_digest", 5, "linear relations"),
        fault("other sealed seeds", "sealed_digest", 5, "linear relations"),
        fault("other masks", "mask_seed", 5, "linear relations"),
    ])
}
