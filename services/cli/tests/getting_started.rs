//! The commands of `docs/getting-started.md`, run in order as a reader runs them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use local::PrivateCluster;

const PAGE: &str = include_str!("../../../docs/getting-started.md");

/// The programs that the page needs, apart from the PostgreSQL server and `blindsum`.
const PROGRAMS: [&str; 5] = ["bash", "curl", "jq", "openssl", "psql"];

/// The commands of the page as one script. They use this cluster and free ports.
fn commands(cluster: &PrivateCluster) -> String {
    let blocks = PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut commands: String = blocks.collect();
    let url = cluster.url("any");
    let socket = url.split("host=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
    let database = format!("postgres:///blindsum_${{1%%_*}}?host={socket}&user=blindsum_$1");
    for (from, to) in [
        ("postgres://postgres@127.0.0.1/postgres", format!("'{}'", cluster.admin_url())),
        ("postgres://blindsum_$1:$(cat $2)@127.0.0.1/blindsum_${1%%_*}", database),
        ("127.0.0.1:8080", free_address()),
        ("127.0.0.1:8090", free_address()),
    ] {
        assert!(commands.contains(from), "the page does not have {from}");
        commands = commands.replace(from, &to);
    }
    // The page leaves the services running, so the script kills them at its end.
    format!("set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n{commands}")
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn missing() -> Option<&'static str> {
    let there = |program: &&str| Command::new(program).arg("--version").output().is_ok();
    PROGRAMS.into_iter().find(|program| !there(program))
}

#[test]
fn the_commands_of_the_page_run_as_they_stand() {
    if let Some(program) = missing() {
        assert!(env::var_os("REQUIRE_SHELL").is_none(), "{program} is missing");
        return testkit::skipped(format_args!("{program} is missing"));
    }
    let cluster = PrivateCluster::temporary().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("commands");
    fs::write(&script, commands(&cluster)).unwrap();
    let work = folder.path().join("empty");
    fs::create_dir(&work).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_blindsum")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.arg(&script).current_dir(&work).env("PATH", path).env("HOME", folder.path());
    let Output { status, stdout, stderr } = bash.env_remove("XDG_STATE_HOME").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}\n{stdout}\n{stderr}");
    assert_eq!(fs::metadata(work.join("mean.f32")).unwrap().len(), 16);
    let lines = fs::read_to_string(work.join("batch.csv")).unwrap();
    assert!(lines.contains("anna"), "{lines}");
    assert!(stdout.contains("every recorded row is what the log says"), "{stdout}");
}
