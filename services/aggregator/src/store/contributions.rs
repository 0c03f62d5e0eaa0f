//! Contributions, with the combiners' attestations and the holders' refusals of them.

use api::{ProblemKind, contributions::ContributionState};
use kit::{column::Column, time::Timestamp};
use names::{ContributionId, EncodedCommitment, HeaderHash, RoundId, Subject};
use protocol::{ContributionHeader, roles::aggregator::HOLDER};
use sqlx::{FromRow, PgConnection, PgExecutor, PgPool};

/// A contribution as its participant sees it.
#[derive(Clone, FromRow)]
pub(crate) struct ContributionRow {
    pub(crate) round_id: Column<RoundId>,
    pub(crate) contribution_id: Column<ContributionId>,
    pub(crate) header_hash: Column<HeaderHash>,
    pub(crate) body_object_name: String,
    pub(crate) state: Column<ContributionState>,
    pub(crate) reason: Option<String>,
    pub(crate) receipt: Vec<u8>,
    pub(crate) received_at: Timestamp,
}

/// A contribution to be stored.
pub(crate) struct NewContribution<'a> {
    pub(crate) round_id: &'a RoundId,
    pub(crate) header: &'a ContributionHeader,
    pub(crate) header_hash: &'a HeaderHash,
    pub(crate) header_bytes: &'a [u8],
    pub(crate) sealed_seeds: &'a [u8],
    pub(crate) proof: &'a [u8],
    pub(crate) body_object_name: &'a str,
    pub(crate) chunk_digests: &'a [u8],
    pub(crate) receipt: &'a [u8],
    pub(crate) received_at: Timestamp,
}

/// Finds one contribution.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    round_id: &RoundId,
    contribution_id: &ContributionId,
) -> sqlx::Result<Option<ContributionRow>> {
    sqlx::query_as(
        "SELECT round_id, contribution_id, header_hash, body_object_name, state, reason, receipt, received_at
         FROM contributions WHERE round_id = $1 AND contribution_id = $2",
    )
    .bind(Column(*round_id))
    .bind(Column(*contribution_id))
    .fetch_optional(db)
    .await
}

/// The number of contributions that a participant has sent in a round, and whether one is active.
#[derive(Clone, Copy, Debug, FromRow)]
pub(crate) struct Standing {
    /// The number of contributions, including rejected ones.
    pub(crate) sent: i64,
    /// Whether one of them is not rejected.
    pub(crate) active: bool,
}

/// Counts the contributions that a participant has sent in a round.
pub(crate) async fn standing(
    db: impl PgExecutor<'_>,
    round_id: &RoundId,
    subject: &Subject,
) -> sqlx::Result<Standing> {
    sqlx::query_as(
        "SELECT COUNT(*) AS sent, COALESCE(BOOL_OR(state <> 'rejected'), FALSE) AS active
         FROM contributions WHERE round_id = $1 AND subject = $2",
    )
    .bind(Column(*round_id))
    .bind(subject.as_str())
    .fetch_one(db)
    .await
}

/// Stores a contribution in state `received`.
pub(crate) async fn insert(tx: &mut PgConnection, new: &NewContribution<'_>) -> sqlx::Result<()> {
    let credential = &new.header.credential;
    sqlx::query(
        "INSERT INTO contributions (
             round_id, contribution_id, header_hash, subject, client_key, weight, commitment, header, sealed_seeds,
             proof, body_object_name, chunk_digests, receipt, state, received_at, changed_at
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'received', $14, $14)",
    )
    .bind(Column(*new.round_id))
    .bind(Column(new.header.contribution_id))
    .bind(Column(*new.header_hash))
    .bind(credential.subject.as_str())
    .bind(Column(credential.client_key))
    .bind(new.header.weight.cast_signed())
    .bind(Column(own_commitment(new.header)))
    .bind(new.header_bytes)
    .bind(new.sealed_seeds)
    .bind(new.proof)
    .bind(new.body_object_name)
    .bind(new.chunk_digests)
    .bind(new.receipt)
    .bind(new.received_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// The commitment to the aggregator's own share.
fn own_commitment(header: &ContributionHeader) -> EncodedCommitment {
    header.commitments[usize::from(HOLDER)].encoded()
}

/// Whether a round has a contribution with this header's commitment to the aggregator's share.
pub(crate) async fn repeats(
    db: impl PgExecutor<'_>,
    round_id: &RoundId,
    header: &ContributionHeader,
) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM contributions WHERE round_id = $1 AND commitment = $2)")
        .bind(Column(*round_id))
        .bind(Column(own_commitment(header)))
        .fetch_one(db)
        .await
}

/// The stored bytes of a contribution that its verification needs.
#[derive(Clone, FromRow)]
pub(crate) struct Envelope {
    pub(crate) contribution_id: Column<ContributionId>,
    pub(crate) header: Vec<u8>,
    pub(crate) sealed_seeds: Vec<u8>,
    pub(crate) proof: Vec<u8>,
    pub(crate) body_object_name: String,
    /// Whether the proof was verified already, and is good.
    pub(crate) proved: bool,
}

/// Loads those of the given contributions that are still in state `received`.
pub(crate) async fn unverified(
    db: &PgPool,
    round_id: &RoundId,
    contributions: &[ContributionId],
) -> sqlx::Result<Vec<Envelope>> {
    sqlx::query_as(
        "SELECT contribution_id, header, sealed_seeds, proof, body_object_name,
             proof_time_us IS NOT NULL AS proved
         FROM contributions WHERE round_id = $1 AND contribution_id = ANY($2) AND state = 'received'",
    )
    .bind(Column(*round_id))
    .bind(Column::array(contributions))
    .fetch_all(db)
    .await
}

/// Notes that the proof of a received contribution is good. Returns `false` if the contribution is
/// in another state, or if its proof was found good before.
pub(crate) async fn proved(
    tx: &mut PgConnection,
    round_id: &RoundId,
    contribution_id: &ContributionId,
    proof_time_us: Option<i64>,
) -> sqlx::Result<bool> {
    let proved = sqlx::query(
        "UPDATE contributions SET proof_time_us = $3
         WHERE round_id = $1 AND contribution_id = $2 AND state = 'received' AND proof_time_us IS NULL",
    )
    .bind(Column(*round_id))
    .bind(Column(*contribution_id))
    .bind(proof_time_us)
    .execute(tx)
    .await?;
    Ok(proved.rows_affected() == 1)
}

/// Loads those of the given contributions that were rejected for one of these reasons.
pub(crate) async fn rejected(
    db: &PgPool,
    round_id: &RoundId,
    header_hashes: &[HeaderHash],
    reasons: &[&str],
) -> sqlx::Result<Vec<Envelope>> {
    sqlx::query_as(
        "SELECT contribution_id, header, sealed_seeds, proof, body_object_name FROM contributions
         WHERE round_id = $1 AND header_hash = ANY($2) AND state = 'rejected' AND reason = ANY($3)",
    )
    .bind(Column(*round_id))
    .bind(Column::array(header_hashes))
    .bind(reasons)
    .fetch_all(db)
    .await
}

/// Marks a received contribution as verified. Returns `false` if it was in another state.
pub(crate) async fn verify(
    tx: &mut PgConnection,
    round_id: &RoundId,
    contribution_id: &ContributionId,
    attestations: &[Vec<u8>],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let verified = sqlx::query(
        "UPDATE contributions SET state = 'verified', changed_at = $3
         WHERE round_id = $1 AND contribution_id = $2 AND state = 'received'",
    )
    .bind(Column(*round_id))
    .bind(Column(*contribution_id))
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if verified.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO attestations (round_id, contribution_id, holder, attestation, stored_at)
         SELECT $1, $2, holder, attestation, $4
         FROM UNNEST($3::BYTEA []) WITH ORDINALITY AS given (attestation, holder)",
    )
    .bind(Column(*round_id))
    .bind(Column(*contribution_id))
    .bind(attestations)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(true)
}

/// Marks a received contribution as rejected. Returns `false` if it was in another state.
pub(crate) async fn reject(
    tx: &mut PgConnection,
    round_id: &RoundId,
    contribution_id: &ContributionId,
    reason: &str,
    proof_time_us: Option<i64>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let rejected = sqlx::query(
        "UPDATE contributions SET state = 'rejected', reason = $3, changed_at = $4,
             proof_time_us = COALESCE($5, proof_time_us)
         WHERE round_id = $1 AND contribution_id = $2 AND state = 'received'",
    )
    .bind(Column(*round_id))
    .bind(Column(*contribution_id))
    .bind(reason)
    .bind(now)
    .bind(proof_time_us)
    .execute(tx)
    .await?;
    Ok(rejected.rows_affected() == 1)
}

/// Stores the signed refusals of a contribution, one of each of these holders.
pub(crate) async fn store_refusals(
    tx: &mut PgConnection,
    round_id: &RoundId,
    contribution_id: &ContributionId,
    holders: &[i16],
    refusals: &[Vec<u8>],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO signed_refusals (round_id, contribution_id, holder, refusal, stored_at)
         SELECT $1, $2, *, $5 FROM UNNEST($3::SMALLINT [], $4::BYTEA [])",
    )
    .bind(Column(*round_id))
    .bind(Column(*contribution_id))
    .bind(holders)
    .bind(refusals)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Lists the signed refusals of combiners in a round. Participants that are in the set
/// need no excuse, so theirs are left out. There are at most as many as the round has places.
pub(crate) async fn combiners_refusals(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar(
        "SELECT s.refusal
         FROM signed_refusals AS s
         JOIN contributions AS c USING (round_id, contribution_id)
         WHERE s.round_id = $1 AND s.holder > 0 AND NOT EXISTS (
             SELECT FROM contributions AS m JOIN round_members USING (round_id, contribution_id)
             WHERE m.round_id = $1 AND m.subject = c.subject
         )
         ORDER BY s.contribution_id, s.holder
         LIMIT (SELECT max_contributions FROM rounds WHERE round_id = $1)",
    )
    .bind(Column(*round_id))
    .fetch_all(db)
    .await
}

/// Counts the contributions of a round that still wait for verification.
pub(crate) async fn waiting(tx: &mut PgConnection, round_id: &RoundId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM contributions WHERE round_id = $1 AND state = 'received'")
        .bind(Column(*round_id))
        .fetch_one(tx)
        .await
}

/// Excludes the contributions of a round that are in one of `states`.
pub(crate) async fn exclude(
    tx: &mut PgConnection,
    round_id: &RoundId,
    states: &[ContributionState],
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE contributions SET state = 'excluded', reason = $3, changed_at = $4
         WHERE round_id = $1 AND state = ANY($2)",
    )
    .bind(Column(*round_id))
    .bind(Column::array(states))
    .bind(reason)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Marks the members of a round's set as included.
pub(crate) async fn include(tx: &mut PgConnection, round_id: &RoundId, now: Timestamp) -> sqlx::Result<u64> {
    let included = sqlx::query(
        "UPDATE contributions AS c SET state = 'included', changed_at = $2
         FROM round_members AS m
         WHERE m.round_id = $1 AND c.round_id = $1 AND c.contribution_id = m.contribution_id",
    )
    .bind(Column(*round_id))
    .bind(now)
    .execute(tx)
    .await?;
    Ok(included.rows_affected())
}

/// Lists the object names of the bodies that are kept after the end of a round: those in the sum,
/// and those with a refused proof.
pub(crate) async fn kept_bodies(db: &PgPool, round_id: &RoundId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT body_object_name FROM contributions
         WHERE round_id = $1 AND (state = 'included' OR (state = 'rejected' AND reason = $2))",
    )
    .bind(Column(*round_id))
    .bind(ProblemKind::ProofRefused.code())
    .fetch_all(db)
    .await
}
