//! Tests that an auditor can run each query of `docs/audit.md`. A query that looks for faults must
//! find none.

use local::databases::AUDITOR;
use sqlx::AssertSqlSafe;

use crate::played;

const GUIDE: &str = include_str!("../../../../docs/audit.md");

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_guide_runs_and_finds_no_fault() {
    let deployment = played::paid().await;
    let auditor = deployment.connect_as(AUDITOR).await;
    let queries: Vec<&str> =
        GUIDE.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(queries.len(), 20);
    let mut answered = 0;
    for query in queries {
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&auditor).await;
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
        if query.starts_with("-- no rows") {
            assert!(rows.is_empty(), "{query}: {} rows", rows.len());
        } else if !rows.is_empty() {
            answered += 1;
        }
    }
    assert!(answered >= 10, "{answered} of the other queries had an answer");
}
