//! Tests of a combiner that cannot serve.

use std::{net::TcpListener, time::Duration};

use kit::shutdown::CancellationToken;

use crate::deployment::Deployment;

#[tokio::test]
async fn a_combiner_whose_port_is_taken_ends_and_says_so() {
    let deployment = Deployment::new().await;
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = deployment.config();
    config.listen.addr = other.local_addr().unwrap();
    let running = combiner::run(config, CancellationToken::new());
    let ended = tokio::time::timeout(Duration::from_secs(20), running).await.unwrap();
    let reason = ended.unwrap_err().chain();
    assert!(reason.contains(&other.local_addr().unwrap().to_string()), "{reason}");
}
