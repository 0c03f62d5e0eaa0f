//! The schema of the aggregator's database: the files in migrations/aggregator, embedded.

use kit::{
    Result,
    schema::{Definitions, Schema},
};
use sqlx::PgPool;

/// Embeds a file of the definitions together with its name.
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

/// Migrates the database to the newest schema. Grants the privileges of `aggregator_rw`,
/// `auditor_ro` and `payer_rw` to those of these roles that exist. The pool must connect as the
/// database's owner, which is not the role that serves.
///
/// # Errors
/// A fault if the database fails or has other migrations.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    SCHEMA.migrate(pool).await?;
    // Grant even if nothing was migrated, since a role may be new.
    let granted: Vec<String> = sqlx::query_scalar("SELECT apply_grants()").fetch_one(pool).await?;
    tracing::info!(?granted, "database up to date");
    Ok(())
}
