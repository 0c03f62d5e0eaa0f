//! Places for uploads: so many are received at the same time, a few more wait for their turn, and none of it goes to one
//! participant alone.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use api::ProblemKind;
use kit::{Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Uploads of one participant that are received, or wait, at the same time: more than one for whoever lost the connection of another.
const OF_ONE: usize = 4;

/// The places of a process.
pub(crate) struct Places {
    free: Semaphore,
    /// One permit for each upload that may wait.
    waiting: Semaphore,
    patience: Duration,
    held: Mutex<HashMap<String, usize>>,
}

/// A place, until it is dropped.
pub(crate) struct Place<'a> {
    _claim: Claim<'a>,
    _permit: SemaphorePermit<'a>,
}

/// What a participant has of its share.
struct Claim<'a> {
    places: &'a Places,
    subject: String,
}

impl Places {
    pub(crate) fn new(uploads: usize, waiting: usize, patience: Duration) -> Self {
        let (free, waiting) = (Semaphore::new(uploads), Semaphore::new(waiting));
        Self { free, waiting, patience, held: Mutex::default() }
    }

    /// A place for an upload of this participant. Who finds none waits, if `may_wait` says so, but not for long.
    pub(crate) async fn take(
        &self,
        subject: &str,
        may_wait: impl Future<Output = Result<()>>,
    ) -> Result<Place<'_>> {
        let busy = || Error::abort(ProblemKind::TooManyRequests);
        let claim = self.claim(subject).ok_or_else(busy)?;
        if let Ok(permit) = self.free.try_acquire() {
            return Ok(Place { _claim: claim, _permit: permit });
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| busy())?;
        may_wait.await?;
        let permit = tokio::time::timeout(self.patience, self.free.acquire()).await.map_err(|_| busy())?;
        Ok(Place { _claim: claim, _permit: permit.map_err(Error::fault)? })
    }

    fn claim(&self, subject: &str) -> Option<Claim<'_>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(subject.to_owned()).or_default();
        if *count == OF_ONE {
            return None;
        }
        *count += 1;
        Some(Claim { places: self, subject: subject.to_owned() })
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.subject) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.subject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(600);

    async fn take<'a>(places: &'a Places, subject: &str) -> Result<Place<'a>> {
        places.take(subject, async { Ok(()) }).await
    }

    fn is_busy(outcome: Result<Place<'_>>) -> bool {
        matches!(outcome, Err(error) if error.kind() == ProblemKind::TooManyRequests)
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_place_that_becomes_free() {
        let places = Places::new(1, 1, LONG);
        let held = take(&places, "a").await.unwrap();
        let mut waiting = Box::pin(take(&places, "b"));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(is_busy(take(&places, "c").now_or_never().expect("no place to wait")));
        drop(held);
        waiting.await.unwrap();
        take(&places, "c").await.unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let places = Places::new(1, 1, SHORT);
        let _held = take(&places, "a").await.unwrap();
        let start = std::time::Instant::now();
        assert!(is_busy(take(&places, "b").await));
        assert!(start.elapsed() >= SHORT);
    }

    #[tokio::test]
    async fn one_participant_takes_no_more_than_its_share() {
        let places = Places::new(16, 16, LONG);
        let mut share = Vec::new();
        for _ in 0..OF_ONE {
            share.push(take(&places, "a").await.unwrap());
        }
        assert!(is_busy(take(&places, "a").await));
        take(&places, "b").await.unwrap();
        share.pop();
        take(&places, "a").await.unwrap();
        share.clear();
        assert!(places.held.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn nobody_waits_for_what_it_would_not_be_given() {
        let places = Places::new(1, 1, SHORT);
        let _held = take(&places, "a").await.unwrap();
        let refused = places.take("b", async { Err(Error::abort(ProblemKind::RoundFull)) }).await;
        assert!(matches!(refused, Err(error) if error.kind() == ProblemKind::RoundFull));
        let start = std::time::Instant::now();
        assert!(is_busy(take(&places, "b").await));
        assert!(start.elapsed() >= SHORT, "the place to wait was given back");
    }
}
