//! Tests that the code and the database have the same rules for a round's life.

use std::collections::BTreeSet;

use aggregator::TRANSITIONS;
use kit::column::Named;

use crate::deployment::Deployment;

#[tokio::test(flavor = "multi_thread")]
async fn the_code_and_the_database_have_the_same_transitions_of_a_round() {
    let deployment = Deployment::start().await;
    let in_database: Vec<(String, String)> =
        sqlx::query_as("SELECT before, after FROM state_transitions() WHERE table_name = 'rounds'")
            .fetch_all(&deployment.db)
            .await
            .unwrap();
    let in_database: BTreeSet<_> =
        in_database.iter().map(|(before, after)| (before.as_str(), after.as_str())).collect();
    let in_code: BTreeSet<_> =
        TRANSITIONS.iter().map(|(before, _, after)| (before.name(), after.name())).collect();
    assert_eq!(in_code, in_database);
}
