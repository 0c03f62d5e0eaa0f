//! Tests of the private cluster: where it runs, and when it ends.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use local::cluster::{Durability, PrivateCluster};
use sqlx::{Connection, PgConnection};

async fn reachable(url: &str) -> bool {
    PgConnection::connect(url).await.is_ok()
}

#[tokio::test]
async fn a_cluster_is_reached_through_its_socket_and_stops_when_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = PrivateCluster::start(dir.path(), Durability::Unsynced).unwrap();
    let url = cluster.create_database("one").await.unwrap();
    assert!(reachable(&url).await);
    drop(cluster);
    assert!(!reachable(&url).await);
}

#[tokio::test]
async fn a_cluster_keeps_its_databases_and_takes_a_long_path() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("a-rather-long-name-for-a-directory".repeat(3)).join("and another");
    let cluster = PrivateCluster::start(&long, Durability::Synced).unwrap();
    cluster.create_database("kept").await.unwrap();
    drop(cluster);
    let cluster = PrivateCluster::start(&long, Durability::Synced).unwrap();
    assert!(reachable(&cluster.url("kept")).await);
}

#[tokio::test]
async fn a_temporary_cluster_leaves_nothing_behind() {
    let cluster = PrivateCluster::temporary().unwrap();
    let mut admin = PgConnection::connect(&cluster.admin_url()).await.unwrap();
    let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut admin).await.unwrap();
    let directory = Path::new(&data).parent().unwrap().to_owned();
    assert!(directory.exists());
    drop((admin, cluster));
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_cluster_that_is_left_running_is_there_until_somebody_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = PrivateCluster::start(dir.path(), Durability::Unsynced).unwrap();
    let url = cluster.admin_url();
    cluster.leave_running().unwrap();
    assert!(reachable(&url).await);
    let pid_file = dir.path().join("data/postmaster.pid");
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    let stopped = Command::new("kill").args(["-INT", pid.lines().next().unwrap()]).status().unwrap();
    assert!(stopped.success());
    let deadline = Instant::now() + Duration::from_secs(20);
    while pid_file.exists() {
        assert!(Instant::now() < deadline, "the cluster still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The variable that makes a copy of this program start a cluster in the named folder and end
/// without stopping it.
const DOOMED: &str = "LOCAL_TEST_DOOMED_CLUSTER";

#[test]
fn a_cluster_ends_with_the_process_that_started_it_however_that_ends() {
    if let Some(dir) = std::env::var_os(DOOMED) {
        let _cluster = PrivateCluster::start(Path::new(&dir), Durability::Unsynced).unwrap();
        std::process::abort();
    }
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_cluster_ends_with_the_process_that_started_it_however_that_ends"])
        .env(DOOMED, dir.path())
        .output()
        .unwrap()
        .status;
    assert!(!status.success());
    let pid_file = dir.path().join("data/postmaster.pid");
    let deadline = Instant::now() + Duration::from_secs(20);
    while pid_file.exists() {
        assert!(Instant::now() < deadline, "the cluster still runs");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(dir.path().join("data/PG_VERSION").exists());
}
