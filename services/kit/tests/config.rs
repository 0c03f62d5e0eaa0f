//! Tests of configuration from a file and the environment. They are one test, since all tests of a
//! process share its environment.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path};

use kit::config::{self, ConfigError, DatabaseConfig, ListenConfig, Secret};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    listen: ListenConfig,
    database: DatabaseConfig,
    token: Secret,
}

fn load(text: &str) -> Result<Config, ConfigError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    config::load(Some(file.path()), "KIT_TEST")
}

#[test]
fn defaults_fill_in_unknown_keys_are_refused_and_secrets_are_not_printed() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    fs::write(secret.path(), "0123456789abcdef\n").unwrap();
    let text = format!(
        "token = {{ file = \"{}\" }}\n[listen]\naddr = \"127.0.0.1:8080\"\n[database]\nurl = \"postgres://u:a-password-to-hide@h/d\"\n",
        secret.path().display()
    );
    let config = load(&text).unwrap();
    assert_eq!(config.listen.addr.port(), 8080);
    assert_eq!(config.listen.max_in_flight, ListenConfig::default().max_in_flight);
    assert_eq!(config.database.max_connections, 16);
    assert_eq!(config.token.read().unwrap().as_str(), "0123456789abcdef");
    assert!(config.token.read_token("token").is_ok());
    assert!(matches!(config.token.read_key("token"), Err(ConfigError::Rule { field: "token", .. })));
    assert!(!format!("{config:?}").contains("a-password-to-hide"));

    assert!(matches!(load(&format!("colour = 1\n{text}")), Err(ConfigError::Form(_))));
    assert!(matches!(load(&text.replace("addr", "adr")), Err(ConfigError::Form(_))));
    assert!(matches!(load("[listen]"), Err(ConfigError::Form(_))));
    let missing = config::load::<Config>(Some(Path::new("/does/not/exist")), "KIT_TEST");
    assert!(matches!(missing, Err(ConfigError::File { .. })));
}

fn broken(outcome: Result<(), ConfigError>, name: &str) -> bool {
    matches!(outcome, Err(ConfigError::Rule { field, .. }) if field == name)
}

#[test]
fn settings_with_which_nothing_would_be_served_are_refused_by_name() {
    let with = |listen: &str, database: &str| {
        load(&format!("token = \"\"\n[listen]\n{listen}\n[database]\nurl = \"\"\n{database}\n")).unwrap()
    };
    let config = with("", "");
    config.listen.check().and(config.database.check()).unwrap();
    for field in ["max_in_flight", "request_timeout_ms", "upload_timeout_ms"] {
        let config = with(&format!("{field} = 0"), "");
        assert!(broken(config.listen.check(), &format!("listen.{field}")), "{field}");
    }
    for field in ["max_connections", "acquire_timeout_ms"] {
        let config = with("", &format!("{field} = 0"));
        assert!(broken(config.database.check(), &format!("database.{field}")), "{field}");
    }
}

#[test]
fn a_key_is_64_hexadecimal_digits() {
    let key = Secret::text("01".repeat(32)).read_key("identity").unwrap();
    assert_eq!(*key.as_bytes(), [1; 32]);
    assert!(Secret::text("01".repeat(31)).read_key("identity").is_err());
    assert!(Secret::text("zz".repeat(32)).read_key("identity").is_err());
}
