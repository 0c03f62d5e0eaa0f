//! The logs and metrics of the process. They are its only global state and are set once.

use std::{io::IsTerminal, sync::OnceLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Text for people if the standard error stream is a terminal, otherwise JSON.
    #[default]
    Auto,
    /// Text for people.
    Human,
    /// One JSON object on each line.
    Json,
}

/// The upper bounds, in seconds, of the buckets in all histograms of durations.
const SECONDS: &[f64] = &[0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts the metrics, and starts logging to the standard error stream. `RUST_LOG` filters the log
/// lines, with `info` as the default. Further calls change nothing.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let human = match format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    // An error means that an earlier call or an embedding program has set a subscriber already.
    let _already_set = if human { builder.try_init() } else { builder.json().try_init() };
    record_metrics();
}

/// The current metrics in the text format of Prometheus. Empty if an embedding program installed
/// another recorder first.
pub fn render_metrics() -> String {
    match record_metrics() {
        Some(handle) => {
            handle.run_upkeep();
            handle.render()
        }
        None => String::new(),
    }
}

fn record_metrics() -> Option<&'static PrometheusHandle> {
    let install = || PrometheusBuilder::new().set_buckets(SECONDS).ok()?.install_recorder().ok();
    METRICS.get_or_init(install).as_ref()
}
