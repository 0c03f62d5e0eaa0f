//! Times and epochs: what a combiner does by its own clocks, and by what the registrar signed.

use std::time::Duration;

use api::{
    ProblemKind,
    combiner::{CombinerRoundState, Verdict},
};
use combiner::Combiner;
use kit::time::Timestamp;
use protocol::{Canonical, EpochStatement, IdentityKey, RoundDocument};
use rand::rngs::OsRng;

use crate::deployment::{Deployment, HOUR_MS, Round, kind};

const MINUTE: Duration = Duration::from_secs(60);

impl Deployment {
    /// Sets the wall clock to `ms` after `at_ms`.
    fn set_clock(&self, at_ms: i64, ms: i64) {
        self.clock.set(Timestamp::from_ms(at_ms + ms));
    }

    fn has_key(&self, round: &Round) -> bool {
        self.vault.exists(&round.vault_name()).unwrap()
    }

    async fn state(&self, round: &Round) -> CombinerRoundState {
        self.view(round).await.unwrap().state
    }
}

/// Beats once a minute for this long.
async fn run_for(combiner: &Combiner, hours: u32) {
    for _ in 0..hours * 60 {
        combiner.beat(MINUTE).await.unwrap();
    }
}

#[tokio::test]
async fn p1_nothing_is_attested_before_opens_at_and_after_attest_by() {
    let mut deployment = Deployment::new().await;
    let round = deployment.round().await;
    let &RoundDocument { opens_at_ms, attest_by_ms, .. } = round.document();
    let contributions = [deployment.contribution(&round, "a")];
    for (at, ms) in [(opens_at_ms, -1), (attest_by_ms, 1)] {
        deployment.set_clock(at, ms);
        assert_eq!(kind(deployment.attest(&round, &contributions).await), ProblemKind::RoundNotOpen);
    }
    for at in [opens_at_ms, attest_by_ms] {
        deployment.set_clock(at, 0);
        let verdicts = deployment.attest(&round, &contributions).await.unwrap();
        assert!(matches!(verdicts[..], [Verdict::Attested(_)]));
    }
}

/// The combiner has bound the set and was killed before it stored the answer.
#[tokio::test]
async fn p1_nothing_is_attested_once_the_key_is_bound_to_a_set() {
    let mut deployment = Deployment::new().await;
    let (round, _) = deployment.attested(3).await;
    let late = [deployment.contribution(&round, "late")];
    deployment.vault.commit(&round.vault_name(), [7; 32].into()).unwrap();
    assert_eq!(kind(deployment.attest(&round, &late).await), ProblemKind::RoundState);
}

#[tokio::test]
async fn p1_nothing_is_released_before_earliest_close_and_after_release_by() {
    let mut deployment = Deployment::new().await;
    let (round, members) = deployment.attested(3).await;
    let &RoundDocument { earliest_close_ms, release_by_ms, .. } = round.document();
    for (at, ms) in [(earliest_close_ms, -1), (release_by_ms, 1)] {
        deployment.set_clock(at, ms);
        assert_eq!(kind(deployment.release_over(&round, &members).await), ProblemKind::RoundNotOpen);
        assert!(deployment.has_key(&round));
    }
    deployment.set_clock(release_by_ms, 0);
    let answer = deployment.release_over(&round, &members).await.unwrap();
    deployment.set_clock(release_by_ms, 1);
    let repeated = deployment.release_over(&round, &members).await.unwrap();
    assert_eq!(repeated, answer, "an answer that was given stays");
}

#[tokio::test]
async fn p4_a_step_of_the_clock_destroys_no_key_and_a_round_expires_when_both_clocks_say_so() {
    let mut deployment = Deployment::new().await;
    let combiner = deployment.start_combiner().await;
    let round = deployment.round().await;
    let release_by_ms = round.document().release_by_ms;
    // forward by years, for a moment and for two hours
    deployment.set_clock(release_by_ms, 100_000 * HOUR_MS);
    run_for(&combiner, 2).await;
    assert!(deployment.has_key(&round), "two hours of three were observed");
    // back
    deployment.set_clock(release_by_ms, -10 * HOUR_MS);
    run_for(&combiner, 2).await;
    assert!(deployment.has_key(&round), "by the wall clock it is not over");
    assert_eq!(deployment.state(&round).await, CombinerRoundState::Countersigned);
    // right
    deployment.set_clock(release_by_ms, 1);
    combiner.beat(MINUTE).await.unwrap();
    assert!(!deployment.has_key(&round));
    let view = deployment.view(&round).await.unwrap();
    assert_eq!(view.state, CombinerRoundState::Expired);
    assert!(view.unreleased.is_some());
    assert_eq!(kind(deployment.release_over(&round, &[]).await), ProblemKind::RoundKeyDestroyed);
    let late = [deployment.contribution(&round, "late")];
    assert_eq!(kind(deployment.attest(&round, &late).await), ProblemKind::RoundKeyDestroyed);
}

/// A round of each phase: countersigned, attested, and bound to a set that was not answered for.
#[tokio::test]
async fn p4_steps_of_the_clock_in_every_phase_lose_no_key_and_the_round_is_released() {
    for phase in ["countersigned", "attested", "bound"] {
        let mut deployment = Deployment::new().await;
        let combiner = deployment.start_combiner().await;
        let round = deployment.round().await;
        let contributions: Vec<_> =
            ["a", "b", "c"].map(|name| deployment.contribution(&round, name)).into_iter().collect();
        if phase != "countersigned" {
            deployment.attest(&round, &contributions).await.unwrap();
        }
        if phase == "bound" {
            let request = deployment.request(&round, &contributions.iter().collect::<Vec<_>>());
            deployment.vault.commit(&round.vault_name(), request.root).unwrap();
        }
        let &RoundDocument { opens_at_ms, earliest_close_ms, release_by_ms, .. } = round.document();
        for ahead in [100_000, -10, 5] {
            deployment.set_clock(release_by_ms, ahead * HOUR_MS);
            // three quarters of an hour of three hours
            for _ in 0..45 {
                combiner.beat(MINUTE).await.unwrap();
            }
            assert!(deployment.has_key(&round), "{phase}, {ahead} hours ahead");
        }
        if phase == "countersigned" {
            deployment.set_clock(opens_at_ms, 0);
            deployment.attest(&round, &contributions).await.unwrap();
        }
        deployment.set_clock(earliest_close_ms, 0);
        deployment.release_over(&round, &contributions).await.expect(phase);
        assert!(!deployment.has_key(&round), "{phase}");
    }
}

#[tokio::test]
async fn p4_a_heartbeat_adds_a_minute_at_most() {
    let mut deployment = Deployment::new().await;
    let combiner = deployment.start_combiner().await;
    let round = deployment.round().await;
    deployment.set_clock(round.document().release_by_ms, 1);
    for _ in 0..180 {
        combiner.beat(100 * MINUTE).await.unwrap();
    }
    assert!(deployment.has_key(&round), "three hours were observed, not more");
    combiner.beat(MINUTE).await.unwrap();
    assert!(!deployment.has_key(&round));
}

#[tokio::test]
async fn p4_a_released_round_does_not_expire() {
    let mut deployment = Deployment::new().await;
    let combiner = deployment.start_combiner().await;
    let (round, members) = deployment.attested(3).await;
    deployment.release_over(&round, &members).await.unwrap();
    deployment.set_clock(round.document().release_by_ms, 1);
    run_for(&combiner, 4).await;
    assert_eq!(deployment.state(&round).await, CombinerRoundState::Released);
}

/// The rule that a document of this epoch breaks, if it is refused.
async fn refusal_of_epoch(deployment: &mut Deployment, epoch: u32) -> Option<String> {
    let document = deployment.draft(|document| document.credential_epoch = epoch).await;
    deployment.propose(&document).await.err().map(|problem| problem.rule.unwrap())
}

#[tokio::test]
async fn p1_an_attested_credential_ends_earlier_epochs_and_a_document_does_not() {
    let mut deployment = Deployment::new().await;
    let older = deployment.round().await;
    let epoch = older.document().credential_epoch;
    let document = deployment.draft(|document| document.credential_epoch = epoch + 1).await;
    deployment.propose(&document).await.unwrap();
    assert_eq!(refusal_of_epoch(&mut deployment, epoch).await, None, "the aggregator wrote the document");

    let newer = Round { verified: protocol::VerifiedRound::trusted(document).unwrap() };
    let contribution = deployment.contribution(&newer, "a");
    deployment.attest(&newer, &[contribution]).await.unwrap();
    let rule = "credential_epoch is not older than what the registrar has signed since";
    assert_eq!(refusal_of_epoch(&mut deployment, epoch).await.as_deref(), Some(rule));
    deployment.restart().await;
    assert_eq!(refusal_of_epoch(&mut deployment, epoch).await.as_deref(), Some(rule));
    assert_eq!(refusal_of_epoch(&mut deployment, epoch + 1).await, None);

    let contribution = deployment.contribution(&older, "b");
    let verdicts = deployment.attest(&older, &[contribution]).await.unwrap();
    assert!(matches!(verdicts[..], [Verdict::Attested(_)]), "a running round goes on");
}

#[tokio::test]
async fn p1_a_statement_of_the_registrar_ends_earlier_epochs_and_no_other_statement_does() {
    let mut deployment = Deployment::new().await;
    let statement = EpochStatement::issue(&deployment.registrar, 9);
    deployment.epoch_statement = Some(hex::encode(statement.to_bytes()));
    deployment.restart().await;
    assert!(refusal_of_epoch(&mut deployment, 8).await.is_some());
    assert_eq!(refusal_of_epoch(&mut deployment, 9).await, None);

    let forged = EpochStatement::issue(&IdentityKey::generate(&mut OsRng), 99);
    deployment.epoch_statement = Some(hex::encode(forged.to_bytes()));
    assert!(Combiner::start_at(&deployment.config(), deployment.clock.clone()).await.is_err());
    deployment.epoch_statement = None;
    deployment.restart().await;
    assert_eq!(refusal_of_epoch(&mut deployment, 9).await, None, "a forged statement changes nothing");
}

#[tokio::test]
async fn p1_a_second_open_round_of_one_registrar_and_layout_is_refused() {
    let mut deployment = Deployment::new().await;
    deployment.open_rounds_for_a_layout = 1;
    deployment.restart().await;
    let first = deployment.round().await;
    let (one, two) = (deployment.draft(|_| {}).await, deployment.draft(|_| {}).await);
    assert_eq!(kind(deployment.propose(&one).await), ProblemKind::LayoutInUse);
    let other = deployment.draft(|document| document.tensors[0].name.push('x')).await;
    deployment.propose(&other).await.unwrap();
    deployment.propose(first.document()).await.expect("a repeated request gets the same answer");
    deployment.abandon(&first).await.unwrap();
    let (one, two) = tokio::join!(deployment.propose(&one), deployment.propose(&two));
    assert_eq!(kind(if one.is_ok() { two } else { one }), ProblemKind::LayoutInUse);
}
