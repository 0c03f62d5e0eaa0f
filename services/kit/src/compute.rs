//! Threads that compute, so that the threads that serve requests never do. The number of tasks is
//! bounded. A task beyond the bound keeps its request waiting, which is the service's
//! back-pressure.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

use crate::{Error, Result};

/// A pool of threads with a bounded number of tasks.
#[derive(Debug)]
pub struct Compute {
    pool: ThreadPool,
    permits: Arc<Semaphore>,
}

impl Compute {
    /// Starts `threads` threads, but at least one. The pool takes twice as many tasks, both running
    /// and waiting.
    ///
    /// # Errors
    /// When the operating system cannot start the threads.
    pub fn new(threads: usize) -> std::result::Result<Self, ThreadPoolBuildError> {
        let threads = threads.max(1);
        let name = |index| format!("compute-{index}");
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build()?;
        Ok(Self { pool, permits: Arc::new(Semaphore::new(2 * threads)) })
    }

    /// Runs `task` on the pool. The task may use rayon's parallel iterators. It keeps its permit
    /// until it ends, even if the caller gives up. A task does not run if its caller gave up before
    /// it began.
    ///
    /// # Errors
    /// A fault if the task panics.
    pub async fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(Error::fault)?;
        let (sender, receiver) = oneshot::channel();
        self.pool.spawn(move || {
            if sender.is_closed() {
                return;
            }
            let outcome = catch_unwind(AssertUnwindSafe(task));
            drop(permit);
            // Sending fails if the caller has given up. Then nobody needs the outcome.
            let _unwanted = sender.send(outcome);
        });
        receiver.await.map_err(Error::fault)?.map_err(|_| Error::fault("a computation panicked"))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_panic_fails_its_task_and_not_the_pool() {
        let compute = Compute::new(1).unwrap();
        assert!(compute.run(|| panic!("on purpose")).await.is_err());
        assert_eq!(compute.run(|| 1 + 1).await.unwrap(), 2);
    }

    /// Calls `run` and gives up after a moment.
    async fn give_up(compute: &Compute, task: impl FnOnce() + Send + 'static) {
        tokio::time::timeout(Duration::from_millis(20), compute.run(task)).await.unwrap_err();
    }

    #[tokio::test]
    async fn work_that_was_given_up_keeps_its_slot_until_it_ends_and_does_not_begin() {
        let compute = Compute::new(1).unwrap();
        let (go, waits) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel::<()>();
        give_up(&compute, move || waits.recv().unwrap()).await;
        give_up(&compute, move || began.send(()).unwrap()).await;
        assert_eq!(compute.permits.available_permits(), 0);
        give_up(&compute, || ()).await;
        go.send(()).unwrap();
        compute.run(|| ()).await.unwrap();
        assert!(begun.recv().is_err(), "nobody waited for it when its turn came");
    }
}
