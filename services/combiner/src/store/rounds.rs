//! The rounds that this combiner countersigned.

use api::{ProblemKind, combiner::CombinerRoundState};
use kit::{
    Error, Result,
    column::{Column, Named},
    time::Timestamp,
};
use names::{HeaderHash, RoundHash, RoundId, SetRoot};
use protocol::{Canonical, RoundDocument, VerifiedRound};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};

/// A countersigned round as it is stored.
#[derive(FromRow)]
pub(crate) struct RoundRow {
    pub(crate) round_hash: Column<RoundHash>,
    pub(crate) round_id: Column<RoundId>,
    pub(crate) document: Vec<u8>,
    pub(crate) countersignature: [u8; 64],
    holder: i16,
    outcome: Option<Column<RoundOutcome>>,
    named_at: Option<Timestamp>,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoundOutcome {
    Released,
    Abandoned,
    /// The time to release it is over.
    Expired,
}

kit::text_column!(RoundOutcome);

impl Named for RoundOutcome {
    const NAMES: &'static [(Self, &'static str)] =
        &[(Self::Released, "released"), (Self::Abandoned, "abandoned"), (Self::Expired, "expired")];
}

impl RoundRow {
    /// How the round ended. `None` while it is open.
    pub(crate) fn outcome(&self) -> Option<RoundOutcome> {
        self.outcome.map(|outcome| outcome.0)
    }

    /// Returns whether the round was released or abandoned, or has expired.
    pub(crate) fn is_ended(&self) -> bool {
        self.outcome.is_some()
    }

    /// Refuses a round whose company is fixed, because the aggregator has named a set.
    ///
    /// # Errors
    /// An abort of kind `round-state`.
    pub(crate) fn demand_unnamed(&self) -> Result<()> {
        match self.named_at {
            None => Ok(()),
            Some(_) => Err(Error::abort(ProblemKind::RoundState).detail("a set of the round was named")),
        }
    }

    /// Refuses a round that has ended.
    ///
    /// # Errors
    /// An abort of kind `round-state` if it was released, or of kind `round-key-destroyed` if it
    /// was abandoned or has expired.
    pub(crate) fn demand_open(&self) -> Result<()> {
        match self.outcome() {
            None => Ok(()),
            Some(RoundOutcome::Released) => {
                Err(Error::abort(ProblemKind::RoundState).detail("the round was released"))
            }
            Some(RoundOutcome::Abandoned | RoundOutcome::Expired) => {
                Err(Error::abort(ProblemKind::RoundKeyDestroyed))
            }
        }
    }

    /// This combiner's index among the holders.
    pub(crate) fn holder(&self) -> Result<u8> {
        u8::try_from(self.holder).map_err(Error::fault)
    }

    /// Decodes the stored document. Its signature was checked before it was stored.
    pub(crate) fn verified(&self) -> Result<VerifiedRound> {
        let document = RoundDocument::from_bytes(&self.document).map_err(Error::fault)?;
        VerifiedRound::trusted(document).map_err(Error::fault)
    }
}

/// A round to be stored.
pub(crate) struct NewRound<'a> {
    pub(crate) round: &'a VerifiedRound,
    pub(crate) document: &'a [u8],
    pub(crate) signature: [u8; 64],
    pub(crate) holder: u8,
    pub(crate) countersignature: [u8; 64],
    /// The observed time.
    pub(crate) observed_ms: i64,
}

/// Stores a round. Returns `false` if its round id is taken.
pub(crate) async fn insert(tx: &mut PgConnection, new: &NewRound<'_>, now: Timestamp) -> sqlx::Result<bool> {
    let outcome = sqlx::query(
        "INSERT INTO rounds (
             round_hash, round_id, model_digest, document, aggregator_signature, holder, countersignature,
             countersigned_at, registrar_key, layout_digest, observed_ms, release_by
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (round_id) DO NOTHING",
    )
    .bind(Column(*new.round.hash()))
    .bind(Column(new.round.document().round_id))
    .bind(Column(new.round.document().model_digest))
    .bind(new.document)
    .bind(new.signature)
    .bind(i16::from(new.holder))
    .bind(new.countersignature)
    .bind(now)
    .bind(Column(new.round.document().registrar_key))
    .bind(Column(new.round.document().layout_digest()))
    .bind(new.observed_ms)
    .bind(Timestamp::from_ms(new.round.document().release_by_ms))
    .execute(tx)
    .await?;
    Ok(outcome.rows_affected() == 1)
}

/// Counts the open rounds with the registrar and the layout of a document.
pub(crate) async fn count_open(tx: &mut PgConnection, document: &RoundDocument) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM rounds WHERE registrar_key = $1 AND layout_digest = $2 AND outcome IS NULL",
    )
    .bind(Column(document.registrar_key))
    .bind(Column(document.layout_digest()))
    .fetch_one(tx)
    .await
}

/// Lists the open rounds whose time is over, both by the wall clock and by the observed time.
pub(crate) async fn overdue(db: &PgPool, now: Timestamp) -> sqlx::Result<Vec<Column<RoundHash>>> {
    sqlx::query_scalar(
        "SELECT r.round_hash FROM rounds AS r CROSS JOIN observed_time AS t
         WHERE r.outcome IS NULL AND r.release_by < $1
         AND t.observed_ms - r.observed_ms
             > EXTRACT(EPOCH FROM r.release_by - r.countersigned_at) * 1000
         ORDER BY r.release_by",
    )
    .bind(now)
    .fetch_all(db)
    .await
}

/// Returns whether [`insert`] failed because another open round starts from the same model.
pub(crate) fn is_model_in_use(error: &sqlx::Error) -> bool {
    let constraint = error.as_database_error().and_then(|error| error.constraint());
    constraint == Some("rounds_one_open_for_model")
}

/// Finds the round with this round id.
pub(crate) async fn by_id(db: impl PgExecutor<'_>, round_id: &RoundId) -> sqlx::Result<Option<RoundRow>> {
    sqlx::query_as(
        "SELECT round_hash, round_id, document, countersignature, holder, outcome, named_at FROM rounds WHERE round_id = $1",
    )
    .bind(Column(*round_id))
    .fetch_optional(db)
    .await
}

/// Returns whether a document was countersigned under this round id.
pub(crate) async fn is_countersigned(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM rounds WHERE round_id = $1)")
        .bind(Column(*round_id))
        .fetch_one(tx)
        .await
}

/// Finds the round with this round hash.
///
/// # Errors
/// An abort of kind `not-found`. A fault if the database fails.
pub(crate) async fn find(db: impl PgExecutor<'_>, round_hash: &RoundHash) -> Result<RoundRow> {
    let round = sqlx::query_as(
        "SELECT round_hash, round_id, document, countersignature, holder, outcome, named_at FROM rounds WHERE round_hash = $1",
    );
    round.bind(Column(*round_hash)).fetch_optional(db).await?.ok_or_else(not_found)
}

/// Finds the round with this round hash and locks it until the transaction ends.
///
/// # Errors
/// An abort of kind `not-found`. A fault if the database fails.
pub(crate) async fn lock(tx: &mut PgConnection, round_hash: &RoundHash) -> Result<RoundRow> {
    let round = sqlx::query_as(
        "SELECT round_hash, round_id, document, countersignature, holder, outcome, named_at FROM rounds WHERE round_hash = $1
         FOR UPDATE",
    );
    round.bind(Column(*round_hash)).fetch_optional(tx).await?.ok_or_else(not_found)
}

/// Records that a set was named, unless one was named before.
pub(crate) async fn name(tx: &mut PgConnection, round_hash: &RoundHash, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query("UPDATE rounds SET named_at = $2 WHERE round_hash = $1 AND named_at IS NULL")
        .bind(Column(*round_hash))
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// Records for whom an open round waits. The same answer again writes nothing.
pub(crate) async fn wait_for(db: &PgPool, round_hash: &RoundHash, hashes: &[HeaderHash]) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE rounds SET waiting_for = $2
         WHERE round_hash = $1 AND outcome IS NULL AND waiting_for <> $2",
    )
    .bind(Column(*round_hash))
    .bind(Column::array(hashes))
    .execute(db)
    .await?;
    Ok(())
}

/// Finds for whom the round waits. An ended round waits for nobody.
pub(crate) async fn waiting_for(db: &PgPool, round_hash: &RoundHash) -> sqlx::Result<Vec<HeaderHash>> {
    let hashes = sqlx::query_scalar(
        "SELECT UNNEST(waiting_for) FROM rounds WHERE round_hash = $1 AND outcome IS NULL",
    );
    Column::values(hashes.bind(Column(*round_hash)).fetch_all(db).await)
}

/// Records the outcome of an open round.
pub(crate) async fn end(
    tx: &mut PgConnection,
    round_hash: &RoundHash,
    outcome: RoundOutcome,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE rounds SET outcome = $2, ended_at = $3 WHERE round_hash = $1")
        .bind(Column(*round_hash))
        .bind(Column(outcome))
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// A round with the counts of what happened in it.
#[derive(FromRow)]
pub(crate) struct RoundSummary {
    pub(crate) state: Column<CombinerRoundState>,
    pub(crate) attested: i64,
    pub(crate) refused: i64,
    pub(crate) root: Option<Column<SetRoot>>,
    pub(crate) key_destroyed_at: Option<Timestamp>,
}

/// Summarises the round with this round hash.
///
/// # Errors
/// An abort of kind `not-found`. A fault if the database fails.
pub(crate) async fn summary(db: &PgPool, round_hash: &RoundHash) -> Result<RoundSummary> {
    let summary = sqlx::query_as(
        "SELECT state, attested, refused, root, key_destroyed_at FROM round_overview WHERE round_hash = $1",
    );
    summary.bind(Column(*round_hash)).fetch_optional(db).await?.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::abort(ProblemKind::NotFound).field("round_hash", "a round that this combiner countersigned")
}
