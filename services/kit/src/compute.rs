//! Threads that compute, so that those which serve requests never do. Work beyond a bound waits for its turn, and with it
//! the request that asked: that is the back-pressure.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

use crate::{Error, Result};

/// A pool of threads with a bounded queue.
#[derive(Debug)]
pub struct Compute {
    pool: ThreadPool,
    places: Semaphore,
}

impl Compute {
    /// A pool of `threads` threads, at least one, with as many tasks again waiting.
    ///
    /// # Errors
    /// When the operating system starts no more threads.
    pub fn new(threads: usize) -> std::result::Result<Self, ThreadPoolBuildError> {
        let threads = threads.max(1);
        let name = |index| format!("compute-{index}");
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build()?;
        Ok(Self { pool, places: Semaphore::new(2 * threads) })
    }

    /// Runs `task`, which may itself use rayon's parallel iterators, on the pool.
    ///
    /// # Errors
    /// A fault when the task panics.
    pub async fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.places.acquire().await.map_err(Error::fault)?;
        let (sender, receiver) = oneshot::channel();
        self.pool.spawn(move || {
            // Nobody waits any more if the request has been given up.
            let _unwanted = sender.send(catch_unwind(AssertUnwindSafe(task)));
        });
        receiver.await.map_err(Error::fault)?.map_err(|_| Error::fault("a computation panicked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_fails_its_task_and_not_the_pool() {
        let compute = Compute::new(1).unwrap();
        assert!(compute.run(|| panic!("on purpose")).await.is_err());
        assert_eq!(compute.run(|| 1 + 1).await.unwrap(), 2);
    }
}
