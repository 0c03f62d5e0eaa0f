//! The schema of the aggregator's database: the files in migrations/aggregator, embedded.

use kit::{
    Result,
    schema::{Definitions, Schema},
};
use sqlx::PgPool;

/// A file of the definitions, with its name.
macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../migrations/aggregator/", $name)))
    };
}

/// The schema of the aggregator's database.
pub static SCHEMA: Schema = Schema {
    service: "aggregator",
    migrations: sqlx::migrate!("../../migrations/aggregator"),
    definitions: Definitions {
        files: &[
            file!("functions/transitions.sql"),
            file!("functions/receipts.sql"),
            file!("functions/entries.sql"),
            file!("functions/recording.sql"),
            file!("functions/latches.sql"),
            file!("functions/books.sql"),
            file!("views/log.sql"),
            file!("functions/record_check.sql"),
            file!("triggers.sql"),
            file!("views/operators.sql"),
            file!("views/audit.sql"),
            file!("grants.sql"),
        ],
        versions: include_str!("../../../migrations/aggregator/definitions.txt"),
    },
};

/// Brings the database up to date, and grants what they need to those of the roles `aggregator_rw`, `auditor_ro` and
/// `payer_rw` that exist. Call it as the database's owner; the service's own role is not the owner.
///
/// # Errors
/// A fault.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    SCHEMA.migrate(pool).await?;
    // Also when nothing was migrated: a role may be new.
    let granted: Vec<String> = sqlx::query_scalar("SELECT apply_grants()").fetch_one(pool).await?;
    tracing::info!(?granted, "database up to date");
    Ok(())
}
