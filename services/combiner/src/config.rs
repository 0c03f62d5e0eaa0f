//! The configuration of a combiner. `combiner.sample.toml` beside this crate explains each setting.

use std::path::PathBuf;

use api::combiner::ATTEST_BATCH;
use kit::config::{ConfigError, DatabaseConfig, ListenConfig, LogConfig, Secret, rule};
use names::PublicKey;
use protocol::{
    Canonical, EpochStatement,
    roles::{combiner::CombinerPolicy, company::CompanyLimits},
};
use serde::Deserialize;

/// The configuration of a combiner. Each field is a section or a setting of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address, the limits and the time-outs of the HTTP server.
    #[serde(default)]
    pub listen: ListenConfig,
    /// The connection to PostgreSQL.
    pub database: DatabaseConfig,
    /// The form of log lines.
    #[serde(default)]
    pub log: LogConfig,
    /// The Ed25519 secret key, as 64 hexadecimal digits.
    pub identity_key: Secret,
    /// The directory of the rounds' private keys. It must never be backed up.
    pub vault: PathBuf,
    /// The bearer token that the aggregator must present.
    pub service_token: Secret,
    /// The rules by which this combiner countersigns rounds.
    pub policy: Policy,
    /// The limits on requests.
    #[serde(default)]
    pub limits: Limits,
}

impl Config {
    /// Checks the rules that the types do not express.
    ///
    /// # Errors
    /// [`ConfigError::Rule`] with the first broken rule.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.listen.check()?;
        self.database.check()?;
        let Policy { min_cohort_floor: floor, max_contributions_cap: cap, .. } = self.policy;
        rule(floor >= 2, "policy.min_cohort_floor", "at least 2")?;
        rule((floor..=1 << 20).contains(&cap), "policy.max_contributions_cap", "from the floor to 2^20")?;
        rule(self.policy.open_rounds_for_a_layout >= 1, "policy.open_rounds_for_a_layout", "at least 1")?;
        rule(self.policy.max_open_days >= 1, "policy.max_open_days", "at least 1")?;
        rule(self.policy.max_release_days >= 1, "policy.max_release_days", "at least 1")?;
        let CompanyLimits { max_left_out, max_refused_by_others } = (&self.policy).into();
        rule(max_left_out <= 1000, "policy.max_left_out", "at most 1000, in parts per thousand")?;
        let others = max_refused_by_others <= 1000;
        rule(others, "policy.max_refused_by_others", "at most 1000, in parts per thousand")?;
        self.policy.epoch_statement()?;
        let batch = (ATTEST_BATCH..=4096).contains(&self.limits.attest_batch);
        rule(batch, "limits.attest_batch", "from 64 to 4096, since aggregators send 64 at once")?;
        rule(self.limits.receipts_per_second >= 1, "limits.receipts_per_second", "at least 1")?;
        rule(self.limits.max_request_bytes >= 1, "limits.max_request_bytes", "at least 1")?;
        rule(self.limits.compute_threads >= 1, "limits.compute_threads", "at least 1")
    }
}

/// The rules by which this combiner countersigns rounds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The Ed25519 key of the only aggregator whose rounds are countersigned.
    pub aggregator_key: PublicKey,
    /// The Ed25519 key of the only registrar whose credentials count.
    pub registrar_key: PublicKey,
    /// The smallest `min_cohort` that this combiner countersigns.
    #[serde(default = "Policy::default_min_cohort_floor")]
    pub min_cohort_floor: u32,
    /// The largest `max_contributions` that this combiner countersigns.
    #[serde(default = "Policy::default_max_contributions_cap")]
    pub max_contributions_cap: u32,
    /// The most open rounds of one registrar with one layout.
    #[serde(default = "Policy::default_open_rounds_for_a_layout")]
    pub open_rounds_for_a_layout: u32,
    /// The most days from countersigning to the end of uploads.
    #[serde(default = "Policy::default_max_open_days")]
    pub max_open_days: u16,
    /// The most days from the end of uploads to `release_by`.
    #[serde(default = "Policy::default_max_release_days")]
    pub max_release_days: u16,
    /// The most of the known participants that a set may leave out, in parts per thousand.
    #[serde(default = "Policy::default_max_left_out")]
    pub max_left_out: u16,
    /// The most of the known participants that other combiners may refuse, in parts per thousand.
    #[serde(default = "Policy::default_max_refused_by_others")]
    pub max_refused_by_others: u16,
    /// A statement of the registrar about the lowest epoch that counts, in hexadecimal.
    #[serde(default)]
    pub epoch_statement: Option<String>,
}

impl From<&Policy> for CombinerPolicy {
    fn from(policy: &Policy) -> Self {
        Self {
            aggregator: policy.aggregator_key,
            registrar: policy.registrar_key,
            min_cohort_floor: policy.min_cohort_floor,
            max_contributions_cap: policy.max_contributions_cap,
            max_open_ms: i64::from(policy.max_open_days) * DAY_MS,
            max_release_ms: i64::from(policy.max_release_days) * DAY_MS,
        }
    }
}

impl From<&Policy> for CompanyLimits {
    fn from(policy: &Policy) -> Self {
        Self { max_left_out: policy.max_left_out, max_refused_by_others: policy.max_refused_by_others }
    }
}

const DAY_MS: i64 = 86_400_000;

impl Policy {
    /// The floor below which the service warns at start: the default.
    pub(crate) const ADVISED_FLOOR: u32 = 5;

    /// The statement about the lowest epoch, if there is one. Its signature is not checked.
    pub(crate) fn epoch_statement(&self) -> Result<Option<EpochStatement>, ConfigError> {
        let Some(text) = &self.epoch_statement else { return Ok(None) };
        let statement = hex::decode(text.trim()).ok();
        let statement = statement.and_then(|bytes| EpochStatement::from_bytes(&bytes).ok());
        rule(statement.is_some(), "policy.epoch_statement", "what `blindsum registrar epoch` printed")?;
        Ok(statement)
    }

    fn default_min_cohort_floor() -> u32 {
        Self::ADVISED_FLOOR
    }

    fn default_open_rounds_for_a_layout() -> u32 {
        1
    }

    fn default_max_open_days() -> u16 {
        366
    }

    fn default_max_release_days() -> u16 {
        30
    }

    fn default_max_left_out() -> u16 {
        100
    }

    fn default_max_refused_by_others() -> u16 {
        250
    }

    fn default_max_contributions_cap() -> u32 {
        4096
    }
}

/// The limits on requests, and the number of threads that compute.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most contributions in one request to attest. At least 64, since aggregators send 64 at
    /// once.
    pub attest_batch: usize,
    /// The most bytes of any other request. A request to release has its own limit, which follows
    /// from `max_contributions_cap`.
    pub max_request_bytes: usize,
    /// The most receipts of participants in a second, over all rounds.
    pub receipts_per_second: u32,
    /// The number of threads that compute.
    pub compute_threads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attest_batch: 256,
            max_request_bytes: 16 << 20,
            receipts_per_second: 50,
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
        assert_eq!(config.policy.min_cohort_floor, 5);
    }

    #[test]
    fn the_defaults_are_those_of_the_sample() {
        let without = |key: &'static str| {
            load(move |text| {
                text.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n")
            })
            .unwrap()
        };
        assert_eq!(without("min_cohort_floor").policy.min_cohort_floor, 5);
        assert_eq!(without("open_rounds_for_a_layout").policy.open_rounds_for_a_layout, 1);
        assert_eq!(without("max_open_days").policy.max_open_days, 366);
        assert_eq!(without("max_release_days").policy.max_release_days, 30);
        assert_eq!(without("max_left_out").policy.max_left_out, 100);
        assert_eq!(without("max_refused_by_others").policy.max_refused_by_others, 250);
        assert_eq!(without("receipts_per_second").limits.receipts_per_second, 50);
        assert_eq!(without("max_contributions_cap").policy.max_contributions_cap, 4096);
        assert_eq!(without("attest_batch").limits.attest_batch, 256);
    }

    #[test]
    fn unknown_settings_and_impossible_values_are_refused() {
        assert!(load(|text| format!("unknown = 1\n{text}")).is_err());
        for (from, to, broken) in [
            ("floor = 5", "floor = 1", "policy.min_cohort_floor"),
            ("a_layout = 1", "a_layout = 0", "policy.open_rounds_for_a_layout"),
            ("open_days = 366", "open_days = 0", "policy.max_open_days"),
            ("release_days = 30", "release_days = 0", "policy.max_release_days"),
            ("# epoch_statement = \"", "epoch_statement = \"00", "policy.epoch_statement"),
            ("left_out = 100", "left_out = 1001", "policy.max_left_out"),
            ("by_others = 250", "by_others = 1001", "policy.max_refused_by_others"),
            ("per_second = 50", "per_second = 0", "limits.receipts_per_second"),
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
