//! Checks the record for contradictions. Compares each recorded row with the log, and the log with
//! its own hashes. Verifies the checkpoints under the aggregator's key. The check needs no running
//! service. The role `auditor_ro` is enough.

use std::fmt;

use ledger::Checkpoint;
use names::PublicKey;
use sqlx::{FromRow, PgConnection};

/// A row or a value that contradicts the log.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Contradiction {
    /// The table of the row.
    pub table_name: String,
    /// The key of the row: its columns, separated by slashes, with bytes in hexadecimal.
    pub key: String,
    /// The column with the wrong value. `None` if the whole row is wrong.
    pub column_name: Option<String>,
    /// The fault in words.
    pub problem: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table_name, self.key)?;
        if let Some(column) = &self.column_name {
            write!(f, ", {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The number of entries in the log.
    pub entries: u64,
    /// The number of entries that the last checkpoint covers.
    pub signed: u64,
    /// The number of entries without an index in the log. They are compared with the rows, but no
    /// checkpoint covers them yet.
    pub waiting: u64,
    /// All contradictions. Those of the log itself come first.
    pub contradictions: Vec<Contradiction>,
}

/// Compares everything that is recorded, in one transaction that reads the whole database.
/// `aggregator` is the key that must have signed the checkpoints.
///
/// # Errors
/// The error of the database.
pub async fn check(db: &mut PgConnection, aggregator: &PublicKey) -> sqlx::Result<Findings> {
    let mut tx = sqlx::Connection::begin(db).await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
    let findings = check_in(&mut tx, aggregator).await?;
    tx.rollback().await?;
    Ok(findings)
}

/// Does the same as [`check`], with the rows that the open transaction sees.
///
/// # Errors
/// The error of the database.
pub async fn check_in(tx: &mut PgConnection, aggregator: &PublicKey) -> sqlx::Result<Findings> {
    let checkpoints: Vec<(i64, Vec<u8>, String)> =
        sqlx::query_as("SELECT size, root, note FROM audit.checkpoints ORDER BY size")
            .fetch_all(&mut *tx)
            .await?;
    let (entries, waiting): (i64, i64) =
        sqlx::query_as("SELECT (SELECT COUNT(*) FROM audit.log), (SELECT COUNT(*) FROM audit.log_waiting)")
            .fetch_one(&mut *tx)
            .await?;
    let mut contradictions: Vec<Contradiction> = checkpoints
        .iter()
        .filter_map(|(size, root, note)| contradiction(size.cast_unsigned(), root, note, aggregator))
        .collect();
    let found = sqlx::query_as(
        "SELECT table_name, COALESCE(key, '?') AS key, column_name, problem FROM audit.record_problems",
    );
    contradictions.extend(found.fetch_all(tx).await?);
    let signed = checkpoints.last().map_or(0, |(size, ..)| size.cast_unsigned());
    Ok(Findings {
        entries: entries.cast_unsigned(),
        signed,
        waiting: waiting.cast_unsigned(),
        contradictions,
    })
}

/// Returns the fault in a checkpoint's row. Returns `None` if the aggregator signed the row as it
/// is.
fn contradiction(size: u64, root: &[u8], note: &str, aggregator: &PublicKey) -> Option<Contradiction> {
    let wrong = |column: &str, problem: String| Contradiction {
        table_name: "log_checkpoints".into(),
        key: size.to_string(),
        column_name: Some(column.into()),
        problem,
    };
    match Checkpoint::open_under(note, aggregator, &[]) {
        Err(error) => Some(wrong("note", format!("is not signed by the aggregator: {error}"))),
        Ok(opened) if opened.checkpoint.size != size => Some(wrong("size", "is not the note's".into())),
        Ok(opened) if opened.checkpoint.root.as_bytes() != root => {
            Some(wrong("root", "is not the note's".into()))
        }
        Ok(_) => None,
    }
}
