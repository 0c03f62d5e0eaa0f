//! Tests that a Python program recomputes a round from its audit bundle. The program shares no code
//! with the services. It was written from `docs/wire-formats.md` alone.
//!
//! The test needs Python with numpy. `PYTHON` names it, and `python3` is the default. Without it
//! the test reports that it is skipped. With `REQUIRE_PYTHON=1` it fails instead.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

use std::{path::Path, process::Command};

use api::{bundle::Bundle, rounds::RoundState};
use e2e::{Deployment, Federation, deployment::Options};

/// Not a test by itself. The services of the tests below run in it.
#[test]
fn server_process() {
    e2e::server::serve_if_asked();
}

/// Finds a Python that has numpy.
fn python() -> Option<String> {
    let candidates = [std::env::var("PYTHON").ok(), Some("python3".into()), Some("/usr/bin/python3".into())];
    candidates.into_iter().flatten().find(|python| {
        let tried = Command::new(python).args(["-c", "import numpy"]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

fn recompute(python: &str, folder: &Path) -> (bool, String) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../recompute/recompute.py");
    let output = Command::new(python).arg(program).arg(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
}

async fn published_round(folder: &Path) {
    let deployment = Deployment::start(Options::default()).await;
    let federation = Federation::new(&deployment, 4);
    federation.enrol().await.unwrap();
    let view = federation.open(3000, 3, 10).await.unwrap();
    let client = &federation.members[0].client;
    let round = client.open_round(view.round_id).await.unwrap();
    for (seed, member) in (0..).zip(&federation.members) {
        member.contribute(&round, seed).await.unwrap();
    }
    federation.operator.close_round(view.round_id).await.unwrap();
    federation.wait_for(&view, &[RoundState::Published]).await;

    std::fs::create_dir(folder.join("bodies")).unwrap();
    let bundle = client.bundle(view.round_id).await.unwrap();
    std::fs::write(folder.join("bundle.json"), &bundle).unwrap();
    let bundle: Bundle = serde_json::from_slice(&bundle).unwrap();
    let constants = round.constants();
    for member in &bundle.members {
        let id = member.contribution_id;
        let to = folder.join("bodies").join(id.to_string());
        client.download_body(view.round_id, id, constants.body_bytes(), &to).await.unwrap();
    }
    client.download_sum(view.round_id, 8 * constants.padded_dimension, &folder.join("sum")).await.unwrap();
}

/// Changes one byte of a file, runs `check`, and restores the byte.
fn with_byte_changed(path: &Path, position: usize, check: impl FnOnce()) {
    let original = std::fs::read(path).unwrap();
    let mut changed = original.clone();
    changed[position] ^= 1;
    std::fs::write(path, changed).unwrap();
    check();
    std::fs::write(path, original).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_an_independent_program_recomputes_root_and_sum_and_names_what_is_tampered_with() {
    let Some(python) = python() else {
        assert!(std::env::var_os("REQUIRE_PYTHON").is_none(), "no Python with numpy was found");
        println!("skipped: no Python with numpy was found");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    published_round(folder.path()).await;
    let (ok, said) = recompute(&python, folder.path());
    assert!(ok && said.starts_with("ok: 4 contributions"), "{said}");

    let body = std::fs::read_dir(folder.path().join("bodies")).unwrap().next().unwrap().unwrap().path();
    with_byte_changed(&body, 1000, || {
        let (ok, said) = recompute(&python, folder.path());
        assert!(!ok && said.starts_with("wrong: ") && said.contains("body"), "{said}");
    });
    with_byte_changed(&folder.path().join("sum"), 8 * 2999, || {
        let (ok, said) = recompute(&python, folder.path());
        assert!(!ok && said.starts_with("wrong: ") && said.contains("sum"), "{said}");
    });
    let bundle = folder.path().join("bundle.json");
    let text = std::fs::read_to_string(&bundle).unwrap();
    let mut tampered: Bundle = serde_json::from_str(&text).unwrap();
    tampered.answers[1].0[100] ^= 1;
    std::fs::write(&bundle, serde_json::to_string(&tampered).unwrap()).unwrap();
    let (ok, said) = recompute(&python, folder.path());
    assert!(!ok && said.contains("answer"), "{said}");
}
