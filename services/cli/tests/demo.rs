//! The demo, run as its users run it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn blindsum(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_blindsum")).args(arguments).output().unwrap()
}

fn last_line(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap()
}

#[test]
fn a_federation_with_dropouts_and_misdeeds_sums_exactly_and_leaves_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bundles");
    let arguments = ["demo", "--clients", "20", "--rounds", "3", "--json", "--out", out.to_str().unwrap()];
    let output = blindsum(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = last_line(&output);
    assert_eq!((&report["clients"], &report["rounds"]), (&20.into(), &3.into()));
    assert_eq!((&report["sums_identical"], &report["models_identical"]), (&true.into(), &true.into()));
    assert_eq!(report["accuracy_secure"], report["accuracy_plain"]);
    assert!(report["accuracy_secure"].as_f64().unwrap() > report["accuracy_alone_mean"].as_f64().unwrap());
    assert_eq!((&report["dropouts_before"], &report["dropouts_after"]), (&6.into(), &3.into()));

    let included: u64 =
        report["included"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(report["states"]["included"], included);
    assert_eq!(report["states"]["rejected"], 3);
    assert_eq!(report["rejected"], serde_json::json!(["share-refused", "share-refused", "share-refused"]));
    for reason in ["credential-refused", "digest-mismatch", "malformed-message", "wrong-round"] {
        assert!(report["refused"][reason].as_u64().unwrap() >= 1, "{reason}: {report}");
    }
    for (index, count) in report["included"].as_array().unwrap().iter().enumerate() {
        check_bundle(&out.join(format!("round-{}", index + 1)), count.as_u64().unwrap());
    }
}

fn check_bundle(folder: &Path, members: u64) {
    let bodies: Vec<_> = fs::read_dir(folder.join("bodies")).unwrap().collect();
    assert_eq!(bodies.len() as u64, members);
    assert_eq!(fs::metadata(folder.join("sum")).unwrap().len(), 8 * 4096);
    let output = blindsum(&["audit", "show", "--json", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = last_line(&output);
    assert_eq!(summary["members"].as_array().unwrap().len() as u64, members);
    assert_eq!(summary["dimension"], 64 * 32 + 32 + 32 * 10 + 10);
}
