//! Compares payout trees with those of the npm package `@openzeppelin/merkle-tree`. The package
//! loads our dump and checks our proofs. We load its dump and check its proofs.
//!
//! The test needs Node and the package. Run `npm ci` in a folder with the two files
//! `tests/openzeppelin/package*.json`. The folder is `$OPENZEPPELIN` or else `target/openzeppelin`.
//! Without it the test reports that it is skipped. With `REQUIRE_NODE=1` that is a failure.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use ledger::{
    Hash,
    payout_tree::{Address, Payment, PayoutTree, StandardDump, verify_payment},
};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

/// The input of `check.cjs`, and its output.
#[derive(Serialize, Deserialize)]
struct Exchange {
    dump: StandardDump,
    root: String,
    proofs: Vec<Vec<String>>,
}

fn payments(count: usize) -> Vec<Payment> {
    let mut rng = StdRng::seed_from_u64(count as u64);
    let mut payment = |position: usize| {
        let mut address = [0; 20];
        rng.fill_bytes(&mut address);
        // small, large, none and the largest amounts
        let amount = match position % 4 {
            0 => u128::from(rng.next_u32()),
            1 => u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64()),
            2 => u128::MAX,
            _ => 0,
        };
        Payment { address: Address::from_bytes(address), amount }
    };
    (0..count).map(&mut payment).collect()
}

fn write(hash: &Hash) -> String {
    format!("0x{hash}")
}

fn read(text: &str) -> Hash {
    text.strip_prefix("0x").unwrap().parse().unwrap()
}

/// The folder of the installed package, if Node runs.
fn package() -> Option<PathBuf> {
    let folder = match std::env::var_os("OPENZEPPELIN") {
        Some(folder) => PathBuf::from(folder),
        None => concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/openzeppelin").into(),
    };
    let node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    (node && folder.join("node_modules/@openzeppelin/merkle-tree").exists()).then_some(folder)
}

fn check(folder: &PathBuf, request: &Exchange) -> Result<Exchange, String> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/openzeppelin/check.cjs");
    let mut node = Command::new("node")
        .arg(program)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(&serde_json::to_vec(request).unwrap()).unwrap();
    let output = node.wait_with_output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_npm_package_and_we_accept_each_others_trees_and_proofs() {
    let Some(folder) = package() else {
        assert!(
            std::env::var_os("REQUIRE_NODE").is_none(),
            "no Node with @openzeppelin/merkle-tree was found"
        );
        println!("skipped: no Node with @openzeppelin/merkle-tree was found");
        return;
    };
    for count in [1, 2, 3, 1000] {
        let tree = PayoutTree::new(payments(count)).unwrap();
        let proofs = (0..count).map(|i| tree.proof(i).unwrap().iter().map(write).collect()).collect();
        let mut request = Exchange { dump: tree.dump(), root: write(&tree.root()), proofs };
        let answer = check(&folder, &request).unwrap();

        assert_eq!(PayoutTree::load(&answer.dump).as_ref(), Ok(&tree));
        assert_eq!(answer.root, request.root);
        for (payment, proof) in tree.payments().iter().zip(&answer.proofs) {
            let proof: Vec<Hash> = proof.iter().map(|hash| read(hash)).collect();
            assert_eq!(verify_payment(&tree.root(), payment, &proof), Ok(()));
        }

        // the check can fail
        request.dump.values[0].value[1] = "1".into();
        let refusal = check(&folder, &request).map(|_| ()).unwrap_err();
        assert!(refusal.contains("Merkle tree does not contain the expected value"), "{refusal}");
    }
}
