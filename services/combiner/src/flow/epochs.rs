//! The lowest epoch whose rounds are countersigned. Only what the registrar has signed raises it: a
//! credential in an attested contribution, or a statement that the operator configured. A document
//! never does, because the aggregator writes it.

use kit::{Error, Result};
use protocol::EpochStatement;
use sqlx::PgConnection;

use crate::{state::App, store::times};

/// The lowest epoch of the pinned registrar that still counts.
///
/// # Errors
/// A fault if the database fails.
pub(crate) async fn lowest(app: &App) -> Result<u32> {
    let epoch = times::lowest_epoch(&app.db, &app.policy.registrar).await?;
    u32::try_from(epoch).map_err(Error::fault)
}

/// Raises the lowest epoch to that of attested credentials.
///
/// # Errors
/// A fault if the database fails.
pub(crate) async fn seen(tx: &mut PgConnection, app: &App, epoch: u32) -> Result<()> {
    // A row that is not raised is not locked, so attesting does not wait for attesting.
    if times::lowest_epoch(&mut *tx, &app.policy.registrar).await? < i64::from(epoch) {
        times::raise_epoch(tx, &app.policy.registrar, epoch).await?;
        tracing::info!(epoch, "a new epoch of credentials: rounds of earlier ones are refused from now on");
    }
    Ok(())
}

/// Raises the lowest epoch to that of a statement that the registrar signed.
///
/// # Errors
/// A fault if the registrar did not sign it, or if the database fails.
pub(crate) async fn stated(app: &App, statement: &EpochStatement) -> Result<()> {
    use protocol::Signed;

    statement.verify(&app.policy.registrar).map_err(Error::fault)?;
    Ok(times::raise_epoch(&app.db, &app.policy.registrar, statement.lowest_epoch).await?)
}
