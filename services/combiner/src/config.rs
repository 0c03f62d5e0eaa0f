//! Configuration. `combiner.sample.toml` beside this crate explains every section.

use std::path::PathBuf;

use api::combiner::ATTEST_BATCH;
use kit::config::{ConfigError, DatabaseConfig, ListenConfig, LogConfig, Secret, rule};
use names::PublicKey;
use protocol::roles::combiner::CombinerPolicy;
use serde::Deserialize;

/// The configuration of a combiner.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where requests are accepted.
    #[serde(default)]
    pub listen: ListenConfig,
    /// The database.
    pub database: DatabaseConfig,
    /// How logs are written.
    #[serde(default)]
    pub log: LogConfig,
    /// Ed25519 secret, 64 hexadecimal digits.
    pub identity_key: Secret,
    /// Directory of the private keys of rounds. Not to be backed up.
    pub vault: PathBuf,
    /// The bearer token that the aggregator presents.
    pub service_token: Secret,
    /// Which rounds are countersigned.
    pub policy: Policy,
    /// What requests may ask for.
    #[serde(default)]
    pub limits: Limits,
}

impl Config {
    /// Rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first rule broken.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.listen.check()?;
        self.database.check()?;
        let Policy { min_cohort_floor: floor, max_contributions_cap: cap, .. } = self.policy;
        rule(floor >= 2, "policy.min_cohort_floor", "at least 2")?;
        rule((floor..=1 << 20).contains(&cap), "policy.max_contributions_cap", "from the floor to 2^20")?;
        let batch = (ATTEST_BATCH..=4096).contains(&self.limits.attest_batch);
        rule(batch, "limits.attest_batch", "64, which is what aggregators send, to 4096")?;
        rule(self.limits.max_request_bytes >= 1, "limits.max_request_bytes", "at least 1")?;
        rule(self.limits.compute_threads >= 1, "limits.compute_threads", "at least 1")
    }
}

/// Which rounds are countersigned.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Ed25519 key of the aggregator.
    pub aggregator_key: PublicKey,
    /// Ed25519 key of the registrar.
    pub registrar_key: PublicKey,
    /// The smallest `min_cohort` that is countersigned.
    #[serde(default = "Policy::default_min_cohort_floor")]
    pub min_cohort_floor: u32,
    /// The largest `max_contributions` that is countersigned.
    #[serde(default = "Policy::default_max_contributions_cap")]
    pub max_contributions_cap: u32,
}

impl From<&Policy> for CombinerPolicy {
    fn from(policy: &Policy) -> Self {
        Self {
            aggregator: policy.aggregator_key,
            registrar: policy.registrar_key,
            min_cohort_floor: policy.min_cohort_floor,
            max_contributions_cap: policy.max_contributions_cap,
        }
    }
}

impl Policy {
    fn default_min_cohort_floor() -> u32 {
        3
    }

    fn default_max_contributions_cap() -> u32 {
        4096
    }
}

/// What requests may ask for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Contributions in one request to attest, at least as many as aggregators send.
    pub attest_batch: usize,
    /// Bytes of any other request. A release may be as long as the largest cohort needs.
    pub max_request_bytes: usize,
    /// Threads that compute.
    pub compute_threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attest_batch: 256,
            max_request_bytes: 16 << 20,
            compute_threads: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(change: impl Fn(String) -> String) -> Result<Config, ConfigError> {
        let text = change(include_str!("../combiner.sample.toml").to_owned());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        kit::config::load(Some(file.path()), "COMBINER_SAMPLE")
    }

    #[test]
    fn the_sample_is_a_configuration() {
        let config = load(|text| text).unwrap();
        config.check().unwrap();
        assert_eq!(config.policy.min_cohort_floor, 3);
    }

    #[test]
    fn the_defaults_are_those_of_the_sample() {
        let without = |key: &'static str| {
            load(move |text| {
                text.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n")
            })
            .unwrap()
        };
        assert_eq!(without("min_cohort_floor").policy.min_cohort_floor, 3);
        assert_eq!(without("max_contributions_cap").policy.max_contributions_cap, 4096);
        assert_eq!(without("attest_batch").limits.attest_batch, 256);
    }

    #[test]
    fn unknown_settings_and_impossible_values_are_refused() {
        assert!(load(|text| format!("unknown = 1\n{text}")).is_err());
        for (from, to, broken) in [
            ("floor = 3", "floor = 1", "policy.min_cohort_floor"),
            ("cap = 4096", "cap = 2", "policy.max_contributions_cap"),
            ("batch = 256", "batch = 63", "limits.attest_batch"),
            ("batch = 256", "batch = 4097", "limits.attest_batch"),
            ("bytes = 16777216", "bytes = 0", "limits.max_request_bytes"),
            ("in_flight = 64", "in_flight = 0", "listen.max_in_flight"),
            ("connections = 8", "connections = 0", "database.max_connections"),
        ] {
            let config = load(|text| text.replace(from, to)).unwrap();
            assert!(
                matches!(config.check(), Err(ConfigError::Rule { field, .. }) if field == broken),
                "{to}"
            );
        }
    }
}
