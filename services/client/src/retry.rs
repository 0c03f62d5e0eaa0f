//! When and how often a failed exchange is repeated.

use std::{fmt, sync::Arc, time::Duration};

use rand::Rng;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::ClientError;

/// Exponential back-off with jitter. Only retryable errors are repeated.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included.
    pub attempts: u32,
    /// The longest wait before the second attempt. It doubles with each further attempt.
    pub first_wait: Duration,
    /// The limit on the doubling. The server may ask for a longer wait.
    pub longest_wait: Duration,
    /// The longest wait that the server can ask for.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 8,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(300),
        }
    }
}

impl RetryPolicy {
    /// The wait after failure number `failures`, which counts from 1. `None` means to give up.
    pub(crate) fn wait(&self, failures: u32, error: &ClientError) -> Option<Duration> {
        if failures >= self.attempts || !error.is_retryable() {
            return None;
        }
        let ceiling = self.first_wait.saturating_mul(1 << (failures - 1).min(20)).min(self.longest_wait);
        let jittered = ceiling.mul_f64(rand::thread_rng().gen_range(0.5..=1.0));
        let asked = error.retry_after().unwrap_or_default().min(self.longest_retry_after);
        Some(jittered.max(asked))
    }
}

/// A callback for failed exchanges that will be repeated. It gets the error and the wait before the
/// next attempt, and must not block. The default logs a warning.
#[derive(Clone)]
pub struct OnRetry(pub Arc<Listener>);

type Listener = dyn Fn(&ClientError, Duration) + Send + Sync;

impl Default for OnRetry {
    fn default() -> Self {
        Self(Arc::new(|error, wait| {
            let wait_ms = wait.as_millis();
            tracing::warn!(%error, wait_ms, "exchange failed, will be repeated");
        }))
    }
}

impl fmt::Debug for OnRetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRetry")
    }
}

/// Reads a `Retry-After` header in seconds (RFC 9110 §10.2.3). The form with a date is ignored.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(status: u16, retry_after: Option<Duration>) -> ClientError {
        ClientError::Status { status, retry_after }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_then_end() {
        let policy = RetryPolicy { attempts: 12, ..RetryPolicy::default() };
        let mut ceiling = policy.first_wait;
        for failures in 1..12 {
            let wait = policy.wait(failures, &busy(503, None)).unwrap();
            assert!(wait >= ceiling / 2 && wait <= ceiling, "{failures}: {wait:?}");
            ceiling = (2 * ceiling).min(policy.longest_wait);
        }
        assert_eq!(policy.wait(12, &busy(503, None)), None);
    }

    #[test]
    fn what_the_server_asks_for_is_honoured_up_to_a_limit() {
        let policy = RetryPolicy::default();
        let asked = |seconds| policy.wait(1, &busy(429, Some(Duration::from_secs(seconds))));
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(100_000), Some(policy.longest_retry_after));
    }

    #[test]
    fn refusals_are_final() {
        for status in [400, 401, 403, 404, 409, 410, 413, 415, 422] {
            assert_eq!(RetryPolicy::default().wait(1, &busy(status, None)), None, "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(RetryPolicy::default().wait(1, &busy(status, None)).is_some(), "{status}");
        }
    }
}
