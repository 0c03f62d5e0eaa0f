//! Admits requests of participants, who need no token. Their number and their rate are bounded, so
//! that they never slow the requests of the aggregator.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use api::ProblemKind;
use axum::{extract::Request, middleware::Next, response::Response};
use kit::{Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most requests that arrive at once.
const ARRIVING: usize = 16;
/// The most requests that compute or use the database at once.
const WORKING: usize = 2;
/// The longest time for one request.
const LIMIT: Duration = Duration::from_secs(5);
/// A pause is made up for by at most so much at once.
const BURST: Duration = Duration::from_secs(1);

/// The bounds on the requests of participants.
pub(crate) struct Admission {
    arriving: Semaphore,
    working: Semaphore,
    rate: Mutex<Rate>,
}

impl Admission {
    /// Admits so many requests in a second.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            arriving: Semaphore::new(ARRIVING),
            working: Semaphore::new(WORKING),
            rate: Mutex::new(Rate::new(per_second, Instant::now())),
        }
    }

    /// Waits for a turn to compute and to use the database.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        self.working.acquire().await.map_err(Error::fault)
    }

    /// Answers a request, unless too many are arriving.
    pub(crate) async fn answer(&self, request: Request, next: Next) -> Result<Response> {
        let _permit = self.arriving.try_acquire().map_err(|_| busy())?;
        let late = |_| Error::abort(ProblemKind::RequestTimeout);
        tokio::time::timeout(LIMIT, next.run(request)).await.map_err(late)
    }

    /// Admits a request at the rate. Only requests that the aggregator's signature vouches for may
    /// come this far, so that strangers do not use up the rate of participants.
    pub(crate) fn admit(&self) -> Result<()> {
        let mut rate = self.rate.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if rate.admit(Instant::now()) { Ok(()) } else { Err(busy()) }
    }
}

fn busy() -> Error {
    Error::abort(ProblemKind::TooManyRequests)
}

/// A rate, as the time that each request costs and the time that is saved for requests.
struct Rate {
    cost: Duration,
    saved: Duration,
    last: Instant,
}

impl Rate {
    fn new(per_second: u32, now: Instant) -> Self {
        Self { cost: Duration::from_secs(1) / per_second.max(1), saved: BURST, last: now }
    }

    fn admit(&mut self, now: Instant) -> bool {
        self.saved = (self.saved + now.saturating_duration_since(self.last)).min(BURST);
        self.last = now;
        let left = self.saved.checked_sub(self.cost);
        self.saved = left.unwrap_or(self.saved);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_admits_a_second_at_once_and_then_one_for_each_part_of_a_second() {
        let start = Instant::now();
        let mut rate = Rate::new(4, start);
        let mut admitted = |ms: u64| rate.admit(start + Duration::from_millis(ms));
        assert_eq!([0; 5].map(&mut admitted), [true, true, true, true, false]);
        assert_eq!([249, 250, 250, 499].map(&mut admitted), [false, true, false, false]);
        assert_eq!([60_000; 5].map(&mut admitted), [true, true, true, true, false]);
    }
}
