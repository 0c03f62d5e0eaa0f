//! Tests that the environment overrides the file. This test has a process of its own, since all
//! tests of a process share its environment.

use std::process::Command;

use kit::config::{self, DatabaseConfig};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    database: DatabaseConfig,
}

#[test]
fn the_environment_wins_over_the_file() {
    const CHILD: &str = "KIT_ENV_TEST__DATABASE__MAX_CONNECTIONS";
    if std::env::var_os(CHILD).is_none() {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_environment_wins_over_the_file"])
            .env(CHILD, "3")
            .env("KIT_ENV_TEST__DATABASE__URL", "postgres://e@h/d")
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "[database]\nurl = \"postgres://f@h/d\"\nmax_connections = 9\n").unwrap();
    let config: Config = config::load(Some(file.path()), "KIT_ENV_TEST").unwrap();
    assert_eq!(config.database.max_connections, 3);
    assert_eq!(config.database.url.read().unwrap().as_str(), "postgres://e@h/d");
}
