//! Commands that need no server, or fail before they reach one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use ledger::payout_tree::{Address, Payment, PayoutTree};
use serde_json::{Value, json};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blindsum"));
    command.current_dir(folder).env("HOME", folder).args(arguments);
    command.env_remove("XDG_STATE_HOME").env_remove("BLINDSUM_PINS");
    command
}

fn outcome(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn blindsum(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    outcome(command(folder, arguments))
}

/// Writes `pins.toml` with keys that nobody holds.
fn pin(folder: &Path) {
    let key = "ab".repeat(32);
    let pins = format!("aggregator = \"{key}\"\ncombiners = [\"{key}\"]\nregistrar = \"{key}\"\n");
    fs::write(folder.join("pins.toml"), pins).unwrap();
}

/// Starts a server that gives these answers, one to each request. Returns its address.
fn server(answers: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = BufReader::new(&stream).lines();
            while request.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let (head, body) = ("HTTP/1.1 200 OK\r\nConnection: close", answer.to_string());
            write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn the_version_names_the_commit_that_was_compiled() {
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit =
        git.ok().filter(|git| git.status.success()).map(|git| String::from_utf8(git.stdout).unwrap());
    let expected = match commit {
        Some(commit) => format!("blindsum {} ({})\n", env!("CARGO_PKG_VERSION"), commit.trim_end()),
        None => format!("blindsum {}\n", env!("CARGO_PKG_VERSION")),
    };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(blindsum(folder.path(), &["--version"]), (0, expected, String::new()));
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

    pin(folder.path());
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
    pin(folder.path());
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
fn auditors_trust_the_keys_of_the_environment_unless_they_name_others() {
    let folder = tempfile::tempdir().unwrap();
    pin(folder.path());
    let audit = |arguments: &[&str]| {
        let mut command = command(folder.path(), &[&["audit"], arguments].concat());
        command.env("BLINDSUM_PINS", "other.toml");
        outcome(command)
    };
    let database = ["--database-url", "postgres://nobody@127.0.0.1:1/nothing"];
    for arguments in [["verify", "nothing-there"].to_vec(), [&["chain"], &database[..]].concat()] {
        let (code, _, notes) = audit(&arguments);
        assert!(code == 1 && notes.contains("other.toml"), "{notes}");
        let (code, _, notes) = audit(&[&arguments[..], &["--pins", "pins.toml"]].concat());
        assert!(code == 1 && !notes.contains("toml"), "{notes}");
    }
}

#[test]
fn a_reading_command_says_what_it_waits_for_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    pin(folder.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://127.0.0.1:{port}");
    let arguments = ["round", "list", "--json", "--pins", "pins.toml", "--aggregator", &nobody];
    let mut command = command(folder.path(), &arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    assert!(line.contains("refused") && line.contains("; next try in 0."), "{line}");
    let mut answer = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    child.wait().unwrap();
    assert_eq!(answer, "", "the standard output is for the answer");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["pins.toml"]);
}

#[test]
fn answers_are_objects_and_a_batch_is_written_as_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    pin(folder.path());
    let run = |arguments: &[&str], answers: Vec<Value>| {
        let common = ["--json", "--pins", "pins.toml", "--aggregator", &server(answers)];
        let (code, line, notes) = blindsum(folder.path(), &[&["payout"], arguments, &common[..]].concat());
        (code, serde_json::from_str::<Value>(line.trim()).unwrap(), notes)
    };
    let round = "ab".repeat(16);
    let (code, answer, notes) = run(&["round", &round], vec![json!({ "items": [], "next": null })]);
    assert_eq!((code, &answer), (0, &json!({ "round_id": round, "payouts": [] })), "{notes}");

    let payment = Payment { address: Address::from_bytes([1; 20]), amount: 7 };
    let (tree, address) = (PayoutTree::new(vec![payment]).unwrap(), payment.address.to_string());
    let batch = json!({
        "batch_id": 4, "round_id": null, "asset": "points", "root": hex::encode(tree.root()), "lines": 1,
        "total": "7", "made_at_ms": 1, "payment": "0xabc",
    });
    let (code, answer, notes) = run(&["batches"], vec![json!({ "items": [batch], "next": null })]);
    assert_eq!((code, &answer), (0, &json!({ "batches": [batch] })), "{notes}");
    assert!(notes.contains("batch 4: 7 of points") && notes.contains("paid by 0xabc"), "{notes}");

    let dump = serde_json::to_value(tree.dump()).unwrap();
    let (code, answer, notes) = run(&["export", "4", "--out", "a.json"], vec![batch.clone(), dump.clone()]);
    assert_eq!((code, &answer["file"]), (0, &"a.json".into()), "{notes}");
    let written = fs::read_to_string(folder.path().join("a.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), dump);
    let (code, answer, _) = run(&["export", "4", "--out", "a.csv"], vec![batch.clone(), json!(address)]);
    assert_eq!((code, &answer["exit_code"]), (5, &5.into()), "that is no list of payments");
    assert!(!folder.path().join("a.csv").exists());
    let (code, _, notes) = run(&["export", "4", "--out", "a.txt"], vec![]);
    assert!(code == 1 && notes.contains("neither .json nor .csv"), "{notes}");
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
    assert_eq!(value["sealed_bytes"], 1168);
    assert!((5.0..6.0).contains(&value["bytes_per_coordinate"].as_f64().unwrap()));
}
