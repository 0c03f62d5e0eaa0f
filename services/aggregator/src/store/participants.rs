//! Participants, and the models from which they start.

use api::participants::StateCounts;
use kit::{column::Column, time::Timestamp};
use names::{ModelDigest, PublicKey, Subject};
use protocol::{Canonical, Credential};
use sqlx::{FromRow, PgExecutor, PgPool};

/// A participant, with its contributions counted by state.
#[derive(FromRow)]
pub(crate) struct ParticipantRow {
    pub(crate) subject: Column<Subject>,
    pub(crate) client_key: Column<PublicKey>,
    pub(crate) credential_epoch: i64,
    pub(crate) enrolled_at: Timestamp,
    #[sqlx(flatten)]
    pub(crate) counts: Counts,
}

/// The numbers of a participant's contributions, by state.
#[derive(Clone, Copy, FromRow)]
pub(crate) struct Counts {
    received: i64,
    verified: i64,
    rejected: i64,
    included: i64,
    excluded: i64,
}

impl From<Counts> for StateCounts {
    fn from(counts: Counts) -> Self {
        let count = i64::cast_unsigned;
        Self {
            received: count(counts.received),
            verified: count(counts.verified),
            rejected: count(counts.rejected),
            included: count(counts.included),
            excluded: count(counts.excluded),
        }
    }
}

/// Stores a credential, one for each subject and epoch, so that rounds of several epochs can run.
/// The participant's row has the credential of the latest epoch. A credential that is stored
/// already changes nothing. Returns whether the participant is enrolled with this credential now.
pub(crate) async fn enrol(db: &PgPool, credential: &Credential, now: Timestamp) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
    sqlx::query(
        "INSERT INTO participants AS p (subject, client_key, credential_epoch, credential, enrolled_at, renewed_at)
         VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (subject) DO UPDATE
         SET client_key = EXCLUDED.client_key, credential_epoch = EXCLUDED.credential_epoch,
             credential = EXCLUDED.credential, renewed_at = GREATEST(p.enrolled_at, EXCLUDED.renewed_at)
         WHERE EXCLUDED.credential_epoch > p.credential_epoch",
    )
    .bind(credential.subject.as_str())
    .bind(Column(credential.client_key))
    .bind(i64::from(credential.epoch))
    .bind(credential.to_bytes())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO credentials (subject, epoch, client_key, credential, enrolled_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (subject, epoch) DO NOTHING",
    )
    .bind(credential.subject.as_str())
    .bind(i64::from(credential.epoch))
    .bind(Column(credential.client_key))
    .bind(credential.to_bytes())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let enrolled = is_enrolled(&mut *tx, credential).await?;
    tx.commit().await?;
    Ok(enrolled)
}

/// Returns whether the participant is enrolled with this key for this epoch.
pub(crate) async fn is_enrolled(db: impl PgExecutor<'_>, credential: &Credential) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM credentials WHERE subject = $1 AND epoch = $2 AND client_key = $3)",
    )
    .bind(credential.subject.as_str())
    .bind(i64::from(credential.epoch))
    .bind(Column(credential.client_key))
    .fetch_one(db)
    .await
}

/// Finds the participant with this subject.
pub(crate) async fn find(db: &PgPool, subject: &Subject) -> sqlx::Result<Option<ParticipantRow>> {
    sqlx::query_as(
        "SELECT * FROM participants JOIN participant_contributions USING (subject) WHERE subject = $1",
    )
    .bind(subject.as_str())
    .fetch_optional(db)
    .await
}

/// Lists at most `limit` participants whose subjects follow `after`.
pub(crate) async fn list(
    db: &PgPool,
    after: Option<&Subject>,
    limit: i64,
) -> sqlx::Result<Vec<ParticipantRow>> {
    sqlx::query_as(
        "SELECT * FROM participants JOIN participant_contributions USING (subject)
         WHERE subject > $1 ORDER BY subject LIMIT $2",
    )
    .bind(after.map_or("", Subject::as_str))
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A stored model.
#[derive(FromRow)]
pub(crate) struct ModelRow {
    pub(crate) bytes: i64,
    pub(crate) object_name: String,
}

/// Records a model whose bytes are durable already.
pub(crate) async fn store_model(
    db: &PgPool,
    digest: &ModelDigest,
    model: &ModelRow,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO models (digest, bytes, object_name, stored_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(Column(*digest))
    .bind(model.bytes)
    .bind(&model.object_name)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Finds the model with this digest.
pub(crate) async fn find_model(db: &PgPool, digest: &ModelDigest) -> sqlx::Result<Option<ModelRow>> {
    sqlx::query_as("SELECT bytes, object_name FROM models WHERE digest = $1")
        .bind(Column(*digest))
        .fetch_optional(db)
        .await
}
