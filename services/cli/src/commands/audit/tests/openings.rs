//! A proof whose group equations do not hold is found among good ones, with the vectors of `tests/vectors/norm-proof.json`.

use lattice::{CpuBackend, MaskPolynomials, Width};
use norm_proof::{GroupEquations, NormProof, Parameters, Statement, Verifying};
use rand::rngs::OsRng;
use serde_json::Value;
use sharing::Commitment;

use super::super::verify::check_openings;

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<T: From<[u8; 32]>>(value: &Value) -> T {
    <[u8; 32]>::try_from(bytes(value)).unwrap().into()
}

/// What is left to check of `proof` once it and the body have been read.
fn equations(vector: &Value, proof: &Value) -> GroupEquations {
    let number = |name: &str| vector[name].as_u64().unwrap();
    let width = Width::from_transport_bits(number("transport_bits") as u32).unwrap();
    let commitments = vector["commitments"].as_array().unwrap();
    let holders = commitments.len() as u8;
    let statement = Statement {
        parameters: Parameters::new(number("blocks"), width, number("noisy_norm_bound"), holders).unwrap(),
        masks: MaskPolynomials::derive(&array(&vector["mask_seed"])),
        round_hash: array(&vector["round_hash"]),
        client_key: array(&vector["client_key"]),
        weight: number("weight") as u32,
        body_digest: array(&vector["body_digest"]),
        commitments: commitments.iter().map(|one| Commitment::decode(&array(one)).unwrap()).collect(),
        sealed_digest: array(&vector["sealed_digest"]),
    };
    let mut verifying = Verifying::begin(statement, NormProof::from_bytes(&bytes(proof)).unwrap());
    verifying.read(&CpuBackend::new(), &bytes(&vector["body"])).unwrap();
    verifying.finish(&mut OsRng).unwrap()
}

#[test]
fn a_proof_that_does_not_open_is_named_among_others() {
    let vector: Value =
        serde_json::from_str(include_str!("../../../../../../tests/vectors/norm-proof.json")).unwrap();
    let good = |name: &str| (name.to_owned(), equations(&vector, &vector["proof"]));
    check_openings(&mut vec![good("a"), good("b")]).unwrap();
    let unopened = &vector["refused_proofs"][0];
    assert_eq!(unopened["check"], "openings");
    let bad = ("b".to_owned(), equations(&vector, &unopened["proof"]));
    let error = check_openings(&mut vec![good("a"), bad, good("c")]).unwrap_err().chain();
    assert!(error.starts_with("b is wrong") && error.contains("openings"), "{error}");
}
