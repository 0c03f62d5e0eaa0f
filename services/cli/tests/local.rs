//! `blindsum local`, started as a notebook or a test starts it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use api::rounds::{RoundState, RoundView};
use client::{Client, ClientConfig, Floors, Operator, OperatorConfig, Participant, ignore_progress};
use names::{PublicKey, RoundId, SecretKey};
use protocol::{Canonical, Credential, IdentityKey, Pins};
use serde_json::Value;
use testbed::create_round;

/// A running pair of services, and the object that it printed.
struct Started {
    process: Child,
    info: Value,
}

fn start(command: &mut Command) -> Started {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Started { process, info: serde_json::from_str(&line).unwrap() }
}

fn blindsum(participants: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blindsum"));
    command.args(["local", "--participants", participants]);
    command
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

/// Sends a signal. Returns whether the process exists.
fn kill(signal: &str, process_id: u64) -> bool {
    let command = format!("kill -{signal} {process_id}");
    Command::new("/bin/sh").args(["-c", &command]).output().unwrap().status.success()
}

/// Ids of the processes of a pair: both services and the database server.
fn process_ids(info: &Value) -> Vec<u64> {
    let pid_file = Path::new(text(info, "/folder")).join("postgres/data/postmaster.pid");
    let server = fs::read_to_string(pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    vec![number(info, "/aggregator/process_id"), number(info, "/combiners/0/process_id"), server]
}

/// Waits until the processes and the folder are gone.
fn until_gone(info: &Value, process_ids: &[u64]) {
    let folder = Path::new(text(info, "/folder"));
    let start = Instant::now();
    while folder.exists() || process_ids.iter().any(|&id| kill("0", id)) {
        assert!(start.elapsed() < Duration::from_secs(40), "left: {folder:?} or one of {process_ids:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn public_key(info: &Value, pointer: &str) -> PublicKey {
    let mut key = [0; 32];
    hex::decode_to_slice(text(info, pointer), &mut key).unwrap();
    PublicKey::from_bytes(key)
}

fn pins(info: &Value) -> Pins {
    Pins {
        aggregator: public_key(info, "/pins/aggregator"),
        combiners: vec![public_key(info, "/pins/combiners/0")],
        registrar: public_key(info, "/pins/registrar"),
    }
}

fn participant(info: &Value) -> Participant {
    let mut secret = [0; 32];
    let identity = fs::read_to_string(text(info, "/identity_file")).unwrap();
    hex::decode_to_slice(identity.trim(), &mut secret).unwrap();
    let credential = fs::read_to_string(text(info, "/credential_file")).unwrap();
    let credential = hex::decode(credential.trim()).unwrap();
    Participant {
        identity: IdentityKey::from_secret(&SecretKey::from_bytes(secret)),
        credential: Credential::from_bytes(&credential).unwrap(),
    }
}

fn operator(info: &Value) -> Operator {
    let token = text(info, "/admin_token").to_owned();
    Operator::new(OperatorConfig::new(text(info, "/aggregator/url"), token.into())).unwrap()
}

/// Creates a round for two participants, with updates of three coordinates.
async fn open(info: &Value) -> RoundId {
    let operator = operator(info);
    let model_digest = operator.put_model(b"a model").await.unwrap();
    let mut request = create_round(model_digest, &[("update", &[3])]);
    request.max_contributions = 2;
    request.credential_epoch = number(info, "/registrar/credential_epoch").try_into().unwrap();
    operator.create_round(&request).await.unwrap().round_id
}

/// Lets every participant contribute its update. Returns the mean of the published sum.
async fn contribute(info: &Value, round_id: RoundId, updates: &[[f32; 3]]) -> Vec<f32> {
    let participants = info["participants"].as_array().unwrap();
    assert_eq!(participants.len(), updates.len());
    let client = |of: &Value| {
        let state = text(of, "/state");
        let config = ClientConfig::new(text(info, "/aggregator/url"), pins(info), state);
        Client::new(ClientConfig { floors: Floors::NONE, ..config }).unwrap()
    };
    for (one, update) in participants.iter().zip(updates) {
        let client = client(one);
        let round = client.open_round(round_id).await.unwrap();
        client.contribute(&round, &participant(one), update, 1, ignore_progress()).await.unwrap();
    }
    let client = client(&participants[0]);
    let start = Instant::now();
    loop {
        let view: RoundView = client.round(round_id).await.unwrap();
        if view.state == RoundState::Published {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{view:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.result_mean(&client.open_round(round_id).await.unwrap()).await.unwrap()
}

#[test]
fn a_pair_sums_what_its_participants_contribute_and_is_gone_after_a_signal() {
    let Started { mut process, info } = start(&mut blindsum("2"));
    let ids = process_ids(&info);
    assert!(ids.iter().all(|&id| kill("0", id)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let updates = [[0.5, -0.25, 0.0], [0.25, 0.25, 1.0]];
    let mean = runtime.block_on(async { contribute(&info, open(&info).await, &updates).await });
    for (mean, expected) in mean.iter().zip([0.375, 0.0, 0.5]) {
        assert!((mean - expected).abs() < 1e-3, "{mean} is not {expected}");
    }
    assert!(kill("TERM", process.id().into()));
    assert!(process.wait().unwrap().success());
    until_gone(&info, &ids);
}

#[test]
fn other_commands_find_the_pair_by_the_variables_that_it_prints() {
    let Started { mut process, info } = start(&mut blindsum("1"));
    let variables = |of: &Value| -> Vec<(String, String)> {
        let object = of["environment"].as_object().unwrap();
        object.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    };
    let mut enrol = Command::new(env!("CARGO_BIN_EXE_blindsum"));
    enrol.args(["enrol", "--json"]).envs(variables(&info)).envs(variables(&info["participants"][0]));
    let output = enrol.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let enrolled: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(text(&enrolled, "/subject"), "participant-001");
    assert!(kill("INT", process.id().into()));
    assert!(process.wait().unwrap().success());
}

/// A shell starts a pair and is killed, as can happen to a notebook.
#[test]
fn a_pair_ends_with_the_process_that_started_it() {
    let mut shell = Command::new("/bin/sh");
    let program = env!("CARGO_BIN_EXE_blindsum");
    shell.args(["-c", "\"$0\" local --participants 0; exit $?", program]);
    let Started { mut process, info } = start(&mut shell);
    let ids = process_ids(&info);
    process.kill().unwrap();
    process.wait().unwrap();
    until_gone(&info, &ids);
}

#[test]
fn nothing_is_left_of_a_pair_that_is_killed() {
    let Started { mut process, info } = start(&mut blindsum("0"));
    let ids = process_ids(&info);
    process.kill().unwrap();
    process.wait().unwrap();
    until_gone(&info, &ids);
}
