//! The schema of a combiner's database: the files in migrations/combiner, embedded.

use kit::{
    Result,
    schema::{Definitions, Schema},
};
use sqlx::PgPool;

/// Embeds a file of the definitions together with its name.
macro_rules! file {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../migrations/combiner/", $name)))
    };
}

/// The schema of a combiner's database.
pub static SCHEMA: Schema = Schema {
    service: "combiner",
    migrations: sqlx::migrate!("../../migrations/combiner"),
    definitions: Definitions {
        files: &[file!("functions/append_only.sql"), file!("triggers.sql"), file!("views/operators.sql")],
        versions: include_str!("../../../migrations/combiner/definitions.txt"),
    },
};

/// Migrates the database to the newest schema. The pool must connect as the database's owner.
///
/// # Errors
/// A fault if the database fails or has other migrations.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    SCHEMA.migrate(pool).await?;
    tracing::info!("database up to date");
    Ok(())
}
