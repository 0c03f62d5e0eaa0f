//! Functions that wait for events, and functions that look at what is stored.

use std::time::Duration;

use api::rounds::{RoundState, RoundView};
use kit::vault::KeyVault;

use crate::{calls::OpenRound, deployment::Deployment};

impl Deployment {
    /// Waits until the round is in this state.
    pub(crate) async fn reach(&self, round: &OpenRound, state: RoundState) -> RoundView {
        self.until(round, |view| view.state == state).await
    }

    /// Waits until `holds` is true for the round.
    pub(crate) async fn until(&self, round: &OpenRound, holds: impl Fn(&RoundView) -> bool) -> RoundView {
        let mut last = None;
        for _ in 0..600 {
            let view = self.show(round).await;
            if holds(&view) {
                return view;
            }
            last = Some(view);
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("still {last:?}");
    }

    /// Lists the files of the object store below `folder`.
    pub(crate) fn objects(&self, folder: &str) -> Vec<String> {
        let mut folders = vec![self.folder.file("blobs").join(folder)];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path.display().to_string()) }
            }
        }
        files
    }

    pub(crate) fn vault(&self) -> KeyVault {
        KeyVault::open(self.folder.vault()).unwrap()
    }

    /// Counts the private keys in the vault.
    pub(crate) fn keys(&self) -> usize {
        self.vault().list().unwrap().len()
    }

    /// Waits until every private key is destroyed.
    pub(crate) async fn until_no_keys(&self) {
        eventually("keys to be destroyed", async || (self.keys() == 0).then_some(())).await;
    }

    /// Waits until the combiners know that the round has ended, and until its key and its objects
    /// are gone.
    pub(crate) async fn until_abandoned(&self, round: &OpenRound) {
        let hash = round.verified.hash();
        let told = async || self.combiners.iter().all(|combiner| combiner.has_abandoned(hash)).then_some(());
        eventually("the combiners to be told", told).await;
        self.until_retired(round).await;
    }

    /// Waits until no job is left for the round, and until its key and its objects are gone.
    pub(crate) async fn until_retired(&self, round: &OpenRound) {
        eventually("the round's jobs to be done", async || {
            let left = "SELECT COUNT(*) FROM jobs WHERE round_id = $1 AND state IN ('ready', 'leased')";
            let left: i64 =
                sqlx::query_scalar(left).bind(round.id.to_bytes()).fetch_one(&self.db).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
        assert_eq!(self.keys(), 0);
        assert_eq!(self.objects(&round.folder()), [""; 0]);
    }

    /// Waits until a checkpoint covers everything that is recorded.
    pub(crate) async fn until_sealed(&self) {
        eventually("a checkpoint over everything", async || {
            let left = "SELECT (SELECT COUNT(*) FROM log_outbox WHERE table_name <> 'log_checkpoints') + (
                            SELECT COUNT(*) FROM log_entries WHERE table_name <> 'log_checkpoints'
                            AND index >= (SELECT COALESCE(MAX(size), 0) FROM log_checkpoints))";
            let left: i64 = sqlx::query_scalar(left).fetch_one(&self.db).await.unwrap();
            (left == 0).then_some(())
        })
        .await;
    }
}

/// Waits until `look` returns a value. Panics after a time limit.
pub(crate) async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(value) = look().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain for {what}");
}
