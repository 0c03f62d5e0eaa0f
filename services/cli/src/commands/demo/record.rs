//! The record of the rounds, read from the database as an operator reads it.

use std::collections::BTreeMap;

use sqlx::{Connection, PgConnection};

use crate::error::Result;

/// Queries on the record that the report suggests.
pub(super) const QUERIES: [&str; 3] = [
    "SELECT encode(round_id, 'hex') AS round, state, included, rejected, excluded FROM round_overview ORDER BY opens_at;",
    "SELECT stage, reason, SUM(count) AS count FROM rejections_by_reason GROUP BY stage, reason ORDER BY stage, reason;",
    "SELECT c.subject, e.state, e.reason, e.happened_at FROM contribution_events AS e \
     JOIN contributions AS c USING (round_id, contribution_id) ORDER BY e.event_id DESC LIMIT 20;",
];

pub(super) struct Record {
    /// Number of contributions by state.
    pub(super) states: BTreeMap<String, i64>,
    /// Number of refused uploads by reason.
    pub(super) refused: BTreeMap<String, i64>,
    /// Rejected contributions: round, client, reason.
    pub(super) rejected: Vec<(String, String, String)>,
}

impl Record {
    pub(super) async fn read(url: &str) -> Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        let states: Vec<(String, i64)> =
            sqlx::query_as("SELECT state, COUNT(*) FROM contributions GROUP BY state")
                .fetch_all(&mut connection)
                .await?;
        let refused: Vec<(String, i64)> = sqlx::query_as(
            "SELECT reason, SUM(count)::BIGINT FROM rejections_by_reason WHERE stage = 'upload' GROUP BY reason",
        )
        .fetch_all(&mut connection)
        .await?;
        let rejected = sqlx::query_as(
            "SELECT encode(round_id, 'hex'), subject, reason FROM contributions WHERE state = 'rejected' \
             ORDER BY changed_at",
        )
        .fetch_all(&mut connection)
        .await?;
        connection.close().await?;
        Ok(Self { states: states.into_iter().collect(), refused: refused.into_iter().collect(), rejected })
    }
}
