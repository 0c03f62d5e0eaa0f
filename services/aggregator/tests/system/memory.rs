//! A test of the memory that the program takes for large updates. The program runs as a process of
//! its own.

use std::sync::Arc;

use api::rounds::{RoundState, Tensor};
use tokio::sync::Semaphore;

use crate::{
    deployment::{Deployment, Settings},
    participant::Participant,
};

const UPLOADS_AT_ONCE: usize = 16;
const PARTICIPANTS: u32 = 24;
const DIMENSION: u32 = 1 << 20;

/// Checks the bound that the documentation states: 64 MiB, and 8 MiB for each upload that is
/// received at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn memory_does_not_grow_with_the_number_of_contributions() {
    let settings = Settings { concurrent_uploads: UPLOADS_AT_ONCE, ..Settings::default() };
    let mut deployment = Deployment::with(settings).await;
    deployment.stop_service().await;
    let process = deployment.start_process().await;
    let mut plan = deployment.plan().await;
    plan.tensors = vec![Tensor { name: "weights".into(), shape: vec![DIMENSION] }];
    plan.max_contributions = PARTICIPANTS;
    let deployment = Arc::new(deployment);
    let round = Arc::new(deployment.open_planned(&plan).await);
    let at_once = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
    let mut uploads = Vec::new();
    for index in 0..PARTICIPANTS {
        let (deployment, round, at_once) = (deployment.clone(), round.clone(), at_once.clone());
        uploads.push(tokio::spawn(async move {
            let _permit = at_once.acquire().await.unwrap();
            let participant = Participant::enrolled(&deployment, &format!("p{index}")).await;
            let masking = round.clone();
            let message =
                tokio::task::spawn_blocking(move || participant.contribute(&masking, 1e-4, 1)).await.unwrap();
            message.upload(&deployment, &round).await;
        }));
    }
    for upload in uploads {
        upload.await.unwrap();
    }
    let published = deployment.reach(&round, RoundState::Published).await;
    assert_eq!(published.progress.included, u64::from(PARTICIPANTS));
    let mut deployment = Arc::into_inner(deployment).unwrap();
    deployment.until_no_keys().await;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    deployment.stop_service().await;
    let Some(peak) = peak.and_then(|text| text.trim().trim_end_matches(" kB").trim().parse::<usize>().ok())
    else {
        // Only Linux reports the peak.
        return;
    };
    println!("{PARTICIPANTS} contributions, {} MiB at most", peak / 1024);
    assert!(peak / 1024 <= 64 + 8 * UPLOADS_AT_ONCE, "{peak} KiB");
}
