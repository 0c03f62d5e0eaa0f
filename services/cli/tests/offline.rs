//! Commands that need no server, and failures before one is reached.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn blindsum(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let program = env!("CARGO_BIN_EXE_blindsum");
    let Output { status, stdout, stderr } =
        Command::new(program).current_dir(folder).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn a_key_gets_a_credential_that_nobody_elses_key_can_use() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| blindsum(folder.path(), arguments);
    let (code, public_key, notes) = run(&["keygen", "--out", "alice.key"]);
    assert_eq!((code, public_key.trim().len()), (0, 64), "{notes}");
    assert_eq!(run(&["keygen", "--out", "registrar.key"]).0, 0);
    assert_eq!(run(&["keygen", "--out", "alice.key"]).0, 1, "a key is not overwritten");
    let sign = ["registrar", "sign", "--key", "registrar.key", "--subject", "alice", "--epoch", "1"];
    let credential = ["--client-key", public_key.trim(), "--out", "alice.credential", "--json"];
    let (code, line, notes) = run(&[&sign[..], &credential[..]].concat());
    assert_eq!(code, 0, "{notes}");
    let value: Value = serde_json::from_str(line.trim()).unwrap();
    let file = fs::read_to_string(folder.path().join("alice.credential")).unwrap();
    assert_eq!((&value["subject"], &value["credential"]), (&"alice".into(), &file.trim().into()));

    let key = |digit: &str| digit.repeat(64);
    let pins = format!(
        "aggregator = \"{}\"\ncombiners = [\"{}\"]\nregistrar = \"{}\"\n",
        key("a"),
        key("b"),
        key("c")
    );
    fs::write(folder.path().join("pins.toml"), pins).unwrap();
    let enrol = |identity| {
        let server = ["enrol", "--aggregator", "http://192.0.2.1", "--pins", "pins.toml"];
        let who = ["--identity", identity, "--credential", "alice.credential"];
        run(&[&server[..], &who[..]].concat())
    };
    let (code, _, notes) = enrol("registrar.key");
    assert_eq!(code, 1);
    assert!(notes.contains("is for another key"), "{notes}");
    let (code, _, notes) = enrol("alice.key");
    assert_eq!(code, 1);
    assert!(notes.contains("must be https"), "plain http does not leave this machine: {notes}");
}

#[test]
fn failures_have_their_codes_and_are_told_as_json() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(blindsum(folder.path(), &["no-such-command"]).0, 2);
    let (code, line, _) = blindsum(folder.path(), &["audit", "show", "missing.json", "--json"]);
    assert_eq!(code, 1);
    let value: Value = serde_json::from_str(line.trim()).unwrap();
    assert_eq!(value["exit_code"], 1);
    assert!(value["error"].as_str().unwrap().contains("missing.json"));
}

#[test]
fn a_round_to_verify_is_in_a_folder_or_at_an_aggregator_whose_keys_are_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let key = "ab".repeat(32);
    let pins = format!("aggregator = \"{key}\"\ncombiners = [\"{key}\"]\nregistrar = \"{key}\"\n");
    fs::write(folder.path().join("pins.toml"), pins).unwrap();
    let round = "ab".repeat(16);
    let verify = |arguments: &[&str]| blindsum(folder.path(), &[&["audit", "verify"], arguments].concat());
    assert_eq!(verify(&[]).0, 2);
    assert_eq!(verify(&["--round", &round]).0, 2);
    assert_eq!(verify(&["--round", &round, "--aggregator", "http://192.0.2.1"]).0, 2);
    let (code, _, notes) =
        verify(&["--round", &round, "--aggregator", "http://192.0.2.1", "--pins", "pins.toml"]);
    assert_eq!(code, 1);
    assert!(notes.contains("must be https"), "{notes}");
    let (code, _, notes) = verify(&["nothing-there"]);
    assert_eq!(code, 1);
    assert!(notes.contains("nothing-there"), "{notes}");
}

#[test]
fn bench_measures_every_phase() {
    let folder = tempfile::tempdir().unwrap();
    let (code, line, notes) =
        blindsum(folder.path(), &["bench", "--dimension", "4096", "--runs", "2", "--json"]);
    assert_eq!(code, 0, "{notes}");
    let value: Value = serde_json::from_str(line.trim()).unwrap();
    for phase in ["quantise", "mask", "commit", "seal", "digest", "add", "unmask"] {
        assert!(value[format!("{phase}_ms")].as_f64().unwrap() > 0.0, "{phase}");
    }
    assert!(value["combiner_ms_per_client"].as_f64().unwrap() > 0.0);
    assert!((5.0..6.0).contains(&value["bytes_per_coordinate"].as_f64().unwrap()));
}
