//! The vectors in `tests/vectors/norm-proof.json`, which `examples/vectors.rs` writes.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

use lattice::{CpuBackend, MaskPolynomials, Width};
use names::Name;
use norm_proof::{NormProof, NormProofError, Parameters, PublicValues, Statement, Verifying};
use rand::rngs::OsRng;
use serde_json::Value;
use sharing::Commitment;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/norm-proof.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn name<N: Name>(value: &Value) -> N {
    value.as_str().unwrap().parse().unwrap()
}

fn verify(vector: &Value) -> Result<(), NormProofError> {
    let number = |name: &str| vector[name].as_u64().unwrap();
    let width = Width::from_transport_bits(number("transport_bits") as u32).unwrap();
    let commitments = vector["commitments"].as_array().unwrap();
    let statement = Statement::new(PublicValues {
        parameters: Parameters::new(
            number("blocks"),
            width,
            number("noisy_norm_bound"),
            commitments.len() as u8,
        )?,
        masks: MaskPolynomials::derive(&name(&vector["mask_seed"])),
        round_hash: name(&vector["round_hash"]),
        client_key: name(&vector["client_key"]),
        weight: number("weight") as u32,
        body_digest: name(&vector["body_digest"]),
        commitments: commitments.iter().map(|one| Commitment::decode(&name(one)).unwrap()).collect(),
        sealed_digest: name(&vector["sealed_digest"]),
    })?;
    let mut verifying = Verifying::begin(statement, NormProof::from_bytes(&bytes(&vector["proof"]))?);
    verifying.read(&CpuBackend::new(), &bytes(&vector["body"]))?;
    verifying.finish(&mut OsRng)?.verify(&mut OsRng)
}

#[test]
fn the_proof_verifies() {
    verify(&vectors()).unwrap();
}

#[test]
fn refused_proofs_fail_their_check() {
    let vector = vectors();
    let refused_proofs = vector["refused_proofs"].as_array().unwrap();
    assert_eq!(refused_proofs.len(), 1);
    for refused in refused_proofs {
        let mut faulty = vector.clone();
        faulty["proof"] = refused["proof"].clone();
        let error = verify(&faulty).unwrap_err();
        assert_eq!(error.failed_check(), refused["check"].as_str(), "{}: {error}", refused["name"]);
    }
}

#[test]
fn every_fault_fails_its_check() {
    let vector = vectors();
    let faults = vector["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 15);
    for fault in faults {
        let mut faulty = vector.clone();
        let part = fault["part"].as_str().unwrap();
        let mut changed = bytes(&vector[part]);
        changed[fault["byte"].as_u64().unwrap() as usize] ^= fault["xor"].as_u64().unwrap() as u8;
        faulty[part] = hex::encode(changed).into();
        let refused = verify(&faulty).unwrap_err();
        assert_eq!(refused.failed_check(), fault["check"].as_str(), "{}: {refused}", fault["name"]);
    }
}
