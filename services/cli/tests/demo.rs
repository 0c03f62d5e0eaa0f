//! The demo, run as a user runs it.

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
    let mut rejected: Vec<&str> =
        report["rejected"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect();
    rejected.sort_unstable();
    assert_eq!(report["states"]["rejected"], 9);
    assert_eq!(rejected, [["proof-refused"; 6].as_slice(), &["share-refused"; 3]].concat());
    let influence = |name: &str| report["influence"][name].as_f64().unwrap();
    assert_eq!(influence("share"), 0.006);
    let (bounded, limit) = (influence("error_bounded"), influence("limit"));
    assert!(bounded <= limit && bounded > 2.0 * 0.006, "{bounded} of {limit}");
    assert!((0.0225..0.03).contains(&limit) && influence("error_unbounded") > 5.0, "{report}");
    let statement = &report["statement"];
    let earned: u128 = statement["payouts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|payout| payout["amount"].as_str().unwrap().parse::<u128>().unwrap())
        .sum();
    assert!(earned > 0);
    assert_eq!(statement["balances"][0]["earned"], earned.to_string());
    assert_eq!(statement["balances"][0]["handed_over"], earned.to_string());
    assert_eq!(report["verified"], *report["included"].as_array().unwrap().last().unwrap());
    assert!(report["receipts_logged"].as_u64().unwrap() >= included);
    assert!(report["log_entries"].as_u64().unwrap() > 100);
    for reason in ["credential-refused", "digest-mismatch", "malformed-message", "wrong-round"] {
        assert!(report["refused"][reason].as_u64().unwrap() >= 1, "{reason}: {report}");
    }
    for (index, count) in report["included"].as_array().unwrap().iter().enumerate() {
        check_bundle(&out.join(format!("round-{}", index + 1)), count.as_u64().unwrap());
    }
    tampering_is_named(&out.join("round-1"));
}

fn check_bundle(folder: &Path, members: u64) {
    let bodies: Vec<_> = fs::read_dir(folder.join("bodies")).unwrap().collect();
    assert_eq!(bodies.len() as u64, members);
    assert_eq!(fs::metadata(folder.join("sum")).unwrap().len(), 8 * 4096);
    let output = blindsum(&["audit", "verify", "--json", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let verdict = last_line(&output);
    assert_eq!((&verdict["members"], &verdict["proofs"]), (&members.into(), &members.into()));
    assert!(verdict["log"]["size"].as_u64().unwrap() > members, "{verdict}");
    let output = blindsum(&["audit", "show", "--json", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary = last_line(&output);
    assert_eq!(summary["members"].as_array().unwrap().len() as u64, members);
    assert_eq!(summary["dimension"], 64 * 32 + 32 + 32 * 10 + 10);
}

/// Changes one byte of a body, one digit of a proof, and one word of the log. `audit verify` must
/// name each.
fn tampering_is_named(folder: &Path) {
    let verify = || {
        let output = blindsum(&["audit", "verify", folder.to_str().unwrap()]);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let body = fs::read_dir(folder.join("bodies")).unwrap().next().unwrap().unwrap();
    let (path, name) = (body.path(), body.file_name().into_string().unwrap());
    let kept = fs::read(&path).unwrap();
    let mut changed = kept.clone();
    changed[4000] ^= 1;
    fs::write(&path, changed).unwrap();
    let (code, words) = verify();
    assert!(code == 5 && words.contains(&name) && words.contains("digest"), "{code} {words}");
    fs::write(&path, kept).unwrap();

    let bundle = folder.join("bundle.json");
    let text = fs::read_to_string(&bundle).unwrap();
    let at = text.find("\"proof\":\"").unwrap() + 50_000;
    let mut changed = text.clone().into_bytes();
    changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
    fs::write(&bundle, changed).unwrap();
    let (code, words) = verify();
    assert!(code == 5 && words.contains("proof does not have the stated digest"), "{code} {words}");
    fs::write(&bundle, text).unwrap();

    let entries = folder.join("log/entries.jsonl");
    let text = fs::read_to_string(&entries).unwrap();
    fs::write(&entries, text.replacen("\"included\"", "\"excluded\"", 1)).unwrap();
    let (code, words) = verify();
    assert!(code == 5 && words.contains("log/checkpoint is wrong"), "{code} {words}");
    fs::write(&entries, text).unwrap();
    assert_eq!(verify().0, 0);
}
