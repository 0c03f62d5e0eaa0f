//! Upload slots: permissions to be uploading now. A process has a fixed number of slots. A few more
//! uploads wait for their turn. No participant can take all slots.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use api::ProblemKind;
use kit::{Error, Result};
use names::Subject;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most slots that one participant may hold, active or waiting. There are several, so that a
/// client can try again while its dropped connection lingers.
const OF_ONE_PARTICIPANT: usize = 4;

/// The upload slots of a process.
pub(crate) struct Slots {
    free: Semaphore,
    /// One permit for each upload that may wait.
    waiting: Semaphore,
    patience: Duration,
    held: Mutex<HashMap<Subject, usize>>,
}

/// A slot, given back when it is dropped.
pub(crate) struct Slot<'a> {
    _share: Share<'a>,
    _permit: SemaphorePermit<'a>,
}

/// Whether an upload gets its slot now or later.
pub(crate) enum Turn<'a> {
    /// A slot was free.
    Now(Slot<'a>),
    /// No slot is free, and the upload may wait for one.
    Later(Waiting<'a>),
}

/// Permission to wait for a slot, given back when it is dropped.
pub(crate) struct Waiting<'a> {
    slots: &'a Slots,
    share: Share<'a>,
    _permit: SemaphorePermit<'a>,
}

/// One of the slots that a participant may hold.
struct Share<'a> {
    slots: &'a Slots,
    subject: Subject,
}

impl Slots {
    pub(crate) fn new(uploads: usize, waiting: usize, patience: Duration) -> Self {
        let (free, waiting) = (Semaphore::new(uploads), Semaphore::new(waiting));
        Self { free, waiting, patience, held: Mutex::default() }
    }

    /// Asks for a slot for an upload of this participant.
    ///
    /// # Errors
    /// [`ProblemKind::TooManyRequests`] if the participant holds all slots that it may hold, or if
    /// no slot is free and too many uploads wait already.
    pub(crate) fn ask(&self, subject: &Subject) -> Result<Turn<'_>> {
        let share = self.share(subject).ok_or_else(busy)?;
        if let Ok(permit) = self.free.try_acquire() {
            return Ok(Turn::Now(Slot { _share: share, _permit: permit }));
        }
        let permit = self.waiting.try_acquire().map_err(|_| busy())?;
        Ok(Turn::Later(Waiting { slots: self, share, _permit: permit }))
    }

    fn share(&self, subject: &Subject) -> Option<Share<'_>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(subject.clone()).or_default();
        if *count == OF_ONE_PARTICIPANT {
            return None;
        }
        *count += 1;
        Some(Share { slots: self, subject: subject.clone() })
    }
}

impl<'a> Waiting<'a> {
    /// Waits until a slot is free.
    ///
    /// # Errors
    /// [`ProblemKind::TooManyRequests`] if no slot becomes free in time.
    pub(crate) async fn slot(self) -> Result<Slot<'a>> {
        let Slots { free, patience, .. } = self.slots;
        let permit = tokio::time::timeout(*patience, free.acquire()).await.map_err(|_| busy())?;
        Ok(Slot { _share: self.share, _permit: permit.map_err(Error::fault)? })
    }
}

fn busy() -> Error {
    Error::abort(ProblemKind::TooManyRequests)
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut held = self.slots.held.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn ask<'a>(slots: &'a Slots, subject: &str) -> Result<Turn<'a>> {
        slots.ask(&Subject::new(subject).unwrap())
    }

    async fn take<'a>(slots: &'a Slots, subject: &str) -> Result<Slot<'a>> {
        match ask(slots, subject)? {
            Turn::Now(slot) => Ok(slot),
            Turn::Later(waiting) => waiting.slot().await,
        }
    }

    fn is_busy<T>(outcome: Result<T>) -> bool {
        matches!(outcome, Err(error) if error.kind() == ProblemKind::TooManyRequests)
    }

    #[tokio::test]
    async fn an_upload_that_waits_gets_the_slot_that_becomes_free() {
        let slots = Slots::new(1, 1, LONG);
        let held = take(&slots, "a").await.unwrap();
        let mut waiting = Box::pin(take(&slots, "b"));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(is_busy(take(&slots, "c").now_or_never().expect("it may not wait")));
        drop(held);
        waiting.await.unwrap();
        take(&slots, "c").await.unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let slots = Slots::new(1, 1, SHORT);
        let _held = take(&slots, "a").await.unwrap();
        let start = std::time::Instant::now();
        assert!(is_busy(take(&slots, "b").await));
        assert!(start.elapsed() >= SHORT);
    }

    #[tokio::test]
    async fn one_participant_takes_no_more_than_its_share() {
        let slots = Slots::new(16, 16, LONG);
        let mut share = Vec::new();
        for _ in 0..OF_ONE_PARTICIPANT {
            share.push(take(&slots, "a").await.unwrap());
        }
        assert!(is_busy(take(&slots, "a").await));
        take(&slots, "b").await.unwrap();
        share.pop();
        take(&slots, "a").await.unwrap();
        share.clear();
        assert!(slots.held.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_upload_that_gives_up_its_turn_leaves_it_to_others() {
        let slots = Slots::new(1, 1, SHORT);
        let _held = take(&slots, "a").await.unwrap();
        let Turn::Later(waiting) = ask(&slots, "b").unwrap() else { panic!("a slot was free") };
        assert!(is_busy(ask(&slots, "c")));
        drop(waiting);
        let start = std::time::Instant::now();
        assert!(is_busy(take(&slots, "b").await));
        assert!(start.elapsed() >= SHORT, "permission to wait was given back");
        assert!(!slots.held.lock().unwrap().contains_key("b"));
    }
}
