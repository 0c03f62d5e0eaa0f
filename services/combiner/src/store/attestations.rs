//! The contributions that this combiner attested.

use std::collections::{HashMap, HashSet};

use kit::column::Column;
use kit::{Error, Result, time::Timestamp};
use names::{EncodedCommitment, HeaderHash, RoundHash, Subject};
use protocol::{Canonical, ContributionHeader, SealedSeeds, roles::combiner::AttestedMember};
use sqlx::{PgConnection, PgExecutor};

/// An attested contribution to be stored.
pub(crate) struct NewAttestation {
    pub(crate) header_hash: HeaderHash,
    pub(crate) subject: Subject,
    pub(crate) commitment: EncodedCommitment,
    pub(crate) header: Vec<u8>,
    pub(crate) sealed_seeds: Vec<u8>,
    pub(crate) attestation: Vec<u8>,
}

/// Finds attestations in this round by header hash.
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    round_hash: &RoundHash,
    hashes: &[HeaderHash],
) -> sqlx::Result<HashMap<HeaderHash, Vec<u8>>> {
    let rows: Vec<(Column<HeaderHash>, Vec<u8>)> = sqlx::query_as(
        "SELECT header_hash, attestation FROM attestations WHERE round_hash = $1 AND header_hash = ANY ($2)",
    )
    .bind(Column(*round_hash))
    .bind(Column::array(hashes))
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(hash, attestation)| (hash.0, attestation)).collect())
}

/// Loads the attested contributions in this round by header hash.
///
/// # Errors
/// A fault if the database fails or a stored row no longer decodes.
pub(crate) async fn members(
    db: impl PgExecutor<'_>,
    round_hash: &RoundHash,
    hashes: &[HeaderHash],
) -> Result<HashMap<HeaderHash, AttestedMember>> {
    let rows: Vec<(Column<HeaderHash>, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT header_hash, header, sealed_seeds FROM attestations
         WHERE round_hash = $1 AND header_hash = ANY ($2)",
    )
    .bind(Column(*round_hash))
    .bind(Column::array(hashes))
    .fetch_all(db)
    .await?;
    let decode = |(Column(hash), header, sealed): (Column<HeaderHash>, Vec<u8>, Vec<u8>)| {
        let header = ContributionHeader::from_bytes(&header).map_err(Error::fault)?;
        let sealed = SealedSeeds::from_bytes(&sealed).map_err(Error::fault)?;
        Ok((hash, AttestedMember { header, sealed }))
    };
    rows.into_iter().map(decode).collect()
}

/// Loads the headers of the contributions in this round that are attested and not among these.
pub(crate) async fn others(
    db: impl PgExecutor<'_>,
    round_hash: &RoundHash,
    hashes: &[HeaderHash],
) -> sqlx::Result<Vec<Vec<u8>>> {
    sqlx::query_scalar("SELECT header FROM attestations WHERE round_hash = $1 AND header_hash <> ALL ($2)")
        .bind(Column(*round_hash))
        .bind(Column::array(hashes))
        .fetch_all(db)
        .await
}

/// Counts the attested contributions of each of these participants in this round.
pub(crate) async fn attempts(
    tx: &mut PgConnection,
    round_hash: &RoundHash,
    subjects: &[Subject],
) -> sqlx::Result<HashMap<Subject, i64>> {
    let rows: Vec<(Column<Subject>, i64)> = sqlx::query_as(
        "SELECT subject, COUNT(*) FROM attestations WHERE round_hash = $1 AND subject = ANY ($2) GROUP BY subject",
    )
    .bind(Column(*round_hash))
    .bind(Column::array(subjects))
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(subject, count)| (subject.0, count)).collect())
}

/// Those of these commitments that attested contributions of this round have.
pub(crate) async fn commitments(
    tx: &mut PgConnection,
    round_hash: &RoundHash,
    commitments: &[EncodedCommitment],
) -> sqlx::Result<HashSet<EncodedCommitment>> {
    let known: Vec<Column<EncodedCommitment>> = sqlx::query_scalar(
        "SELECT commitment FROM attestations WHERE round_hash = $1 AND commitment = ANY ($2)",
    )
    .bind(Column(*round_hash))
    .bind(Column::array(commitments))
    .fetch_all(tx)
    .await?;
    Ok(known.into_iter().map(|commitment| commitment.0).collect())
}

/// Stores attestations.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    round_hash: &RoundHash,
    new: &[&NewAttestation],
    now: Timestamp,
) -> sqlx::Result<()> {
    fn column<'a, T>(new: &[&'a NewAttestation], of: impl Fn(&'a NewAttestation) -> T) -> Vec<T> {
        new.iter().map(|&attestation| of(attestation)).collect()
    }
    sqlx::query(
        "INSERT INTO attestations (
             round_hash, header_hash, subject, commitment, header, sealed_seeds, attestation, attested_at
         )
         SELECT $1, *, $8
         FROM UNNEST($2::BYTEA [], $3::TEXT [], $4::BYTEA [], $5::BYTEA [], $6::BYTEA [], $7::BYTEA [])",
    )
    .bind(Column(*round_hash))
    .bind(column(new, |new| Column(new.header_hash)))
    .bind(column(new, |new| new.subject.as_str()))
    .bind(column(new, |new| Column(new.commitment)))
    .bind(column(new, |new| &new.header[..]))
    .bind(column(new, |new| &new.sealed_seeds[..]))
    .bind(column(new, |new| &new.attestation[..]))
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
