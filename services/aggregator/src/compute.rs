//! Threads for arithmetic, apart from those that serve requests. The queue is bounded: who finds it full waits, and with
//! it the upload or the job it works for.

use kit::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

/// A pool of threads with a bounded queue.
#[derive(Debug)]
pub(crate) struct Compute {
    pool: ThreadPool,
    places: Semaphore,
}

impl Compute {
    /// As many tasks wait as there are threads.
    pub(crate) fn new(threads: usize) -> std::result::Result<Self, ThreadPoolBuildError> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("compute-{index}"))
            .build()?;
        Ok(Self { pool, places: Semaphore::new(2 * threads) })
    }

    /// Runs `task` on the pool.
    ///
    /// # Errors
    /// A fault when the task panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _place = self.places.acquire().await.map_err(Error::fault)?;
        let (sender, receiver) = oneshot::channel();
        self.pool.spawn(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(task));
            // Nobody waits any more when the request was given up.
            let _unwanted = sender.send(outcome);
        });
        match receiver.await.map_err(Error::fault)? {
            Ok(value) => Ok(value),
            Err(_) => Err(Error::fault("a computation panicked")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_fails_the_task_and_not_the_pool() {
        let compute = Compute::new(1).unwrap();
        assert!(compute.run(|| panic!("on purpose")).await.is_err());
        assert_eq!(compute.run(|| 1 + 1).await.unwrap(), 2);
    }
}
