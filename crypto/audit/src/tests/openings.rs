//! A proof whose group equations do not hold is found among good ones, with the vectors of
//! `tests/vectors/norm-proof.json`.

use lattice::{CpuBackend, MaskPolynomials, Width};
use names::{ContributionId, Name};
use norm_proof::{GroupEquations, NormProof, Parameters, PublicValues, Statement, Verifying};
use rand::rngs::OsRng;
use serde_json::Value;
use sharing::Commitment;

use crate::{Finding, Place, round::openings::Openings};

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn name<N: Name>(value: &Value) -> N {
    N::from_slice(&bytes(value)).unwrap()
}

/// The group equations of `proof`, after everything else about it was checked.
fn equations(vector: &Value, proof: &Value) -> GroupEquations {
    let number = |name: &str| vector[name].as_u64().unwrap();
    let width = Width::from_transport_bits(number("transport_bits") as u32).unwrap();
    let commitments = vector["commitments"].as_array().unwrap();
    let holders = commitments.len() as u8;
    let statement = Statement::new(PublicValues {
        parameters: Parameters::new(number("blocks"), width, number("noisy_norm_bound"), holders).unwrap(),
        masks: MaskPolynomials::derive(&name(&vector["mask_seed"])),
        round_hash: name(&vector["round_hash"]),
        client_key: name(&vector["client_key"]),
        weight: number("weight") as u32,
        body_digest: name(&vector["body_digest"]),
        commitments: commitments.iter().map(|one| Commitment::decode(&name(one)).unwrap()).collect(),
        sealed_digest: name(&vector["sealed_digest"]),
    })
    .unwrap();
    let mut verifying = Verifying::begin(statement, NormProof::from_bytes(&bytes(proof)).unwrap());
    verifying.read(&CpuBackend::new(), &bytes(&vector["body"])).unwrap();
    verifying.finish(&mut OsRng).unwrap()
}

/// Checks the equations of several contributions. Their ids are 0, 1 and so on in every byte.
fn check(equations: impl IntoIterator<Item = GroupEquations>) -> Result<usize, Finding> {
    let mut openings = Openings::default();
    for (number, equations) in (0..).zip(equations) {
        openings.push(ContributionId::from_bytes([number; 16]), equations, &mut OsRng)?;
    }
    openings.finish(&mut OsRng)
}

#[test]
fn a_proof_that_does_not_open_is_named_among_others() {
    let vector: Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/norm-proof.json")).unwrap();
    let good = || equations(&vector, &vector["proof"]);
    assert_eq!(check([good(), good()]).unwrap(), 2);
    let unopened = &vector["refused_proofs"][0];
    assert_eq!(unopened["check"], "openings");
    let finding = check([good(), equations(&vector, &unopened["proof"]), good()]).unwrap_err();
    assert_eq!(finding.at, Place::Contribution(ContributionId::from_bytes([1; 16])));
    assert!(finding.fault.to_string().contains("openings"), "{}", finding.fault);
}
