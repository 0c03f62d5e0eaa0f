//! True and false proofs that another implementation publishes. `tests/vectors/merkle-proofs.json`
//! names the source.

use ledger::{Hash, verify_consistency, verify_inclusion};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    inclusion: Vec<Inclusion>,
    consistency: Vec<Consistency>,
}

#[derive(Deserialize)]
struct Inclusion {
    name: String,
    index: u64,
    size: u64,
    root: Hash,
    leaf: Hash,
    path: Vec<Hash>,
    valid: bool,
}

#[derive(Deserialize)]
struct Consistency {
    name: String,
    old_size: u64,
    new_size: u64,
    old_root: Hash,
    new_root: Hash,
    path: Vec<Hash>,
    valid: bool,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../../../../tests/vectors/merkle-proofs.json")).unwrap()
}

#[test]
fn published_proofs_of_inclusion_are_judged_alike() {
    let vectors = vectors().inclusion;
    assert_eq!((vectors.len(), vectors.iter().filter(|v| v.valid).count()), INCLUSION);
    for v in vectors {
        let verdict = verify_inclusion(&v.root, v.size, v.index, &v.leaf, &v.path);
        assert_eq!(verdict.is_ok(), v.valid, "{}: {verdict:?}", v.name);
    }
}

#[test]
fn published_proofs_of_consistency_are_judged_alike() {
    let vectors = vectors().consistency;
    assert_eq!((vectors.len(), vectors.iter().filter(|v| v.valid).count()), CONSISTENCY);
    for v in vectors {
        let verdict = verify_consistency(v.old_size, &v.old_root, v.new_size, &v.new_root, &v.path);
        assert_eq!(verdict.is_ok(), v.valid, "{}: {verdict:?}", v.name);
    }
}

/// The number of cases, and how many of them are true.
const INCLUSION: (usize, usize) = (72, 6);
const CONSISTENCY: (usize, usize) = (71, 5);
