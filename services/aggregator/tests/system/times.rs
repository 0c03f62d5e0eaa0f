//! Clock games: while a round is in one of its phases, the wall clock of the aggregator is set by
//! hours, forward and back.

use api::rounds::{CreateRound, FailureCode, RoundState};
use testbed::Fault;

use crate::{
    deployment::{Deployment, OpenRound, Settings, eventually, now_ms},
    participant::Participant,
};

const HOUR_MS: i64 = 3_600_000;
/// From the creation of a round to its `release_by`.
const ROUND_HOURS: i64 = 3;
const ROUND_MINUTES: u32 = 3 * 60;

impl Deployment {
    /// Sets the wall clock so many hours ahead of the right time.
    fn set_clock_ahead(&self, hours: i64) {
        self.clock.set(kit::time::Timestamp::now().plus_ms(hours * HOUR_MS));
    }

    async fn observed_ms(&self) -> i64 {
        sqlx::query_scalar("SELECT observed_ms FROM observed_time").fetch_one(&self.db).await.unwrap()
    }

    /// A round that closes in two hours and may be released for one hour after that. Two
    /// participants have contributed.
    async fn contributed_round(&self) -> OpenRound {
        let now_ms = now_ms();
        let plan = CreateRound {
            closes_at_ms: now_ms + 2 * HOUR_MS,
            attest_by_ms: Some(now_ms + ROUND_HOURS * HOUR_MS),
            release_by_ms: Some(now_ms + ROUND_HOURS * HOUR_MS),
            ..self.plan().await
        };
        let round = self.open_planned(&plan).await;
        for name in ["a", "b"] {
            let participant = Participant::enrolled(self, name).await;
            participant.contribute(&round, 0.01, 1).upload(self, &round).await;
        }
        round
    }

    async fn verified_round(&self) -> OpenRound {
        let round = self.contributed_round().await;
        self.until(&round, |view| view.progress.verified == 2).await;
        round
    }

    /// A round that the combiner does not release.
    async fn releasing_round(&self) -> OpenRound {
        let round = self.verified_round().await;
        self.combiners[0].set(Fault::ReleaseDown);
        self.close(&round).await;
        self.reach(&round, RoundState::Releasing).await;
        round
    }

    /// Sets the clock forward by years and back by hours, and observes less time than the round
    /// has. Then checks that the round has its key and can be published.
    async fn survives_steps(&self, round: &OpenRound) {
        for ahead in [100_000, -10, 5] {
            self.set_clock_ahead(ahead);
            self.observe_minutes(ROUND_MINUTES / 4).await;
            assert_eq!(self.keys(), 1, "{ahead} hours ahead");
        }
        self.set_clock_ahead(0);
        self.combiners[0].set(Fault::None);
        // A heartbeat brings the jobs forward that the clock had put off.
        self.observe_minutes(1).await;
        if self.show(round).await.state == RoundState::Open {
            self.close(round).await;
        }
        self.reach(round, RoundState::Published).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_steps_of_the_clock_in_an_open_round_lose_no_key() {
    let deployment = Deployment::start().await;
    let round = deployment.verified_round().await;
    deployment.combiners[0].set(Fault::ReleaseDown);
    deployment.survives_steps(&round).await;
}

/// The settling time is over when the clock is set forward. What is verified by then is the set.
#[tokio::test(flavor = "multi_thread")]
async fn p4_steps_of_the_clock_in_a_settling_round_lose_no_key() {
    let deployment = Deployment::with(Settings { settle_ms: 600_000, ..Settings::default() }).await;
    let round = deployment.verified_round().await;
    deployment.combiners[0].set(Fault::Down);
    Participant::enrolled(&deployment, "c")
        .await
        .contribute(&round, 0.01, 1)
        .upload(&deployment, &round)
        .await;
    deployment.close(&round).await;
    deployment.reach(&round, RoundState::Settling).await;
    deployment.survives_steps(&round).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_steps_of_the_clock_in_a_releasing_round_lose_no_key() {
    let deployment = Deployment::start().await;
    let round = deployment.releasing_round().await;
    deployment.survives_steps(&round).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_a_round_that_is_not_released_fails_when_both_clocks_say_so_and_keeps_no_key() {
    for phase in [RoundState::Open, RoundState::Releasing] {
        let deployment = Deployment::start().await;
        let round = match phase {
            RoundState::Open => deployment.contributed_round().await,
            _ => deployment.releasing_round().await,
        };
        deployment.combiners[0].set(Fault::Down);
        // The first heartbeat of a process finds out how much was observed before.
        deployment.observe_minutes(1 + ROUND_MINUTES).await;
        assert_eq!(deployment.keys(), 1, "by the wall clock it is not over");
        deployment.set_clock_ahead(ROUND_HOURS + 1);
        deployment.observe_minutes(1).await;
        let view = deployment.reach(&round, RoundState::Failed).await;
        assert!(
            view.failure.is_some_and(|failure| {
                [FailureCode::NotReleased, FailureCode::CohortTooSmall].contains(&failure.code)
            }),
            "{phase:?}"
        );
        deployment.until_no_keys().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_of_several_aggregators_one_observes_and_another_goes_on_when_it_is_gone() {
    let mut deployment = Deployment::start().await;
    deployment.start_service().await;
    deployment.start_service().await;
    deployment.observe_minutes(10).await;
    let observed_ms = deployment.observed_ms().await;
    let ten = 8 * 60_000..=12 * 60_000;
    assert!(ten.contains(&observed_ms), "ten minutes count once: {observed_ms}");
    deployment.stop_service().await;
    deployment.observe_minutes(10).await;
    let more_ms = deployment.observed_ms().await - observed_ms;
    assert!(ten.contains(&more_ms), "ten minutes count once: {more_ms}");
}

/// The combiner waits for its own clock. The aggregator asks again until that clock agrees.
#[tokio::test(flavor = "multi_thread")]
async fn p4_an_aggregator_whose_clock_is_ahead_waits_for_the_combiner() {
    let deployment = Deployment::start().await;
    let round = deployment.releasing_round().await;
    deployment.set_clock_ahead(48);
    deployment.observe_minutes(2).await;
    eventually("the combiner to be asked", async || {
        (deployment.combiners[0].sets_asked_for(round.verified.hash()) > 0).then_some(())
    })
    .await;
    assert_eq!(deployment.show(&round).await.state, RoundState::Releasing);
    deployment.combiners[0].set(Fault::None);
    deployment.reach(&round, RoundState::Published).await;
}
