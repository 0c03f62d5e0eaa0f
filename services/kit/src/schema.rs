//! The schema of a service. It has migrations and definitions. Each migration adds to those before
//! it. Definitions are made again from whole files.
//!
//! `migrations/README.md` says what belongs where.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, SqlSafeStr, migrate::Migrator};
use thiserror::Error;

use crate::{Error, Result};

names::name! {
    /// The SHA-256 digest of a service's [`Definitions`].
    pub DefinitionsDigest: 32;
}

/// The schema of a service's database.
#[derive(Debug)]
pub struct Schema {
    /// The name of the service, as in `blindsum db migrate`.
    pub service: &'static str,
    /// The migrations: tables, columns, constraints, indexes.
    pub migrations: Migrator,
    /// The definitions: functions, triggers, views, grants.
    pub definitions: Definitions,
}

/// The statements that follow the migrations: functions, triggers, views, grants.
#[derive(Clone, Copy, Debug)]
pub struct Definitions {
    /// The names and texts of the files, in the order in which they are executed.
    pub files: &'static [(&'static str, &'static str)],
    /// One line for each version, `VERSION DIGEST`. A line that begins with `#` is a comment.
    pub versions: &'static str,
}

/// The reason why a service cannot work with a database.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A migration is missing.
    #[error(
        "the database lacks migration {version}: run `blindsum db migrate {service}` as its owner, then start again"
    )]
    Missing {
        /// The name of the service.
        service: &'static str,
        /// The first missing migration.
        version: i64,
    },
    /// The definitions are older than those of this program, or differ from them under the same
    /// version.
    #[error(
        "the database lacks version {version} of the functions and views: \
         run `blindsum db migrate {service}` as its owner, then start again"
    )]
    Definitions {
        /// The name of the service.
        service: &'static str,
        /// The version that this program needs.
        version: i64,
    },
    /// The role may not read the table of migrations.
    #[error(
        "the role may not read which migrations were applied: run `blindsum db migrate {service}` as the database's owner, \
         and connect as the role that `blindsum db bootstrap {service}` made"
    )]
    Unreadable {
        /// The name of the service.
        service: &'static str,
    },
    /// A migration has the number of one of this program's migrations, but another text.
    #[error(
        "migration {version} of the database is not the one that this program knows: is it the right database?"
    )]
    Different {
        /// The number of the migration.
        version: i64,
    },
    /// PostgreSQL refuses a file of the definitions.
    #[error("{file} cannot be applied")]
    File {
        /// The name of the file.
        file: &'static str,
        /// The reason that PostgreSQL gives.
        #[source]
        source: sqlx::Error,
    },
}

impl Definitions {
    /// The number of the last version. 0 if there is no version.
    pub fn version(&self) -> i64 {
        let number = |line: &str| line.split_whitespace().next().and_then(|number| number.parse().ok());
        self.versions.lines().filter_map(number).max().unwrap_or(0)
    }

    /// The SHA-256 digest of the files. It covers each name and text with its length.
    pub fn digest(&self) -> DefinitionsDigest {
        let mut hash = Sha256::new();
        for part in self.files.iter().flat_map(|(name, text)| [name, text]) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        DefinitionsDigest::from_bytes(hash.finalize().into())
    }

    /// Returns whether a database with this version and digest has these definitions or later ones.
    fn are_in(&self, present: Option<&(i64, Vec<u8>)>) -> bool {
        present.is_some_and(|(version, digest)| {
            *version > self.version() || *version == self.version() && *digest == self.digest().as_bytes()
        })
    }
}

impl Schema {
    /// Applies the missing migrations, and then the definitions if the database has others.
    /// Statements have no time limit. Several processes may call this at once: one migrates while
    /// the others wait. A newer database stays as it is.
    ///
    /// # Errors
    /// A fault if the database fails, or if an applied migration differs from the one given.
    pub async fn migrate(&self, pool: &PgPool) -> Result<()> {
        let mut connection = pool.acquire().await?.detach();
        sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
        let mut migrator = Migrator::with_migrations(self.migrations.iter().cloned().collect());
        migrator.set_ignore_missing(true);
        migrator.run(&mut connection).await?;
        self.define(&mut connection).await?;
        connection.close().await?;
        Ok(())
    }

    /// Makes the definitions, unless the database has them or later ones.
    async fn define(&self, connection: &mut PgConnection) -> Result<()> {
        let mut tx = connection.begin().await?;
        // Processes that migrate wait for each other here. A role that may only read cannot take
        // this lock.
        execute(&mut tx, "LOCK TABLE schema_definitions IN SHARE ROW EXCLUSIVE MODE").await?;
        if self.definitions.are_in(present(&mut tx).await?.as_ref()) {
            return Ok(());
        }
        execute(&mut tx, "SET LOCAL search_path = public").await?;
        drop_definitions(&mut tx).await?;
        let others: HashSet<Object> = objects(&mut tx).await?.into_iter().collect();
        for &(file, text) in self.definitions.files {
            let applied = execute(&mut tx, text).await;
            applied.map_err(|source| Error::fault(SchemaError::File { file, source }))?;
        }
        let made: Vec<_> =
            objects(&mut tx).await?.into_iter().filter(|object| !others.contains(object)).collect();
        sqlx::query(
            "INSERT INTO schema_definitions (version, digest, undo, applied_at) VALUES ($1, $2, $3, now())",
        )
        .bind(self.definitions.version())
        .bind(self.definitions.digest().to_bytes())
        .bind(drop_statements(&made))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Drops the definitions and undoes the migrations above `version`, together with their data.
    ///
    /// # Errors
    /// A fault if the database fails.
    pub async fn undo(&self, pool: &PgPool, version: i64) -> Result<()> {
        let mut connection = pool.acquire().await?.detach();
        if exists(&mut connection, "schema_definitions").await? {
            let mut tx = connection.begin().await?;
            execute(&mut tx, "SET LOCAL search_path = public").await?;
            drop_definitions(&mut tx).await?;
            tx.commit().await?;
        }
        self.migrations.undo(&mut connection, version).await?;
        connection.close().await?;
        Ok(())
    }

    /// Checks that the database has the migrations and the definitions. A newer database is
    /// accepted. So old processes keep running after a migration, and can be replaced one by one.
    ///
    /// # Errors
    /// A fault with a [`SchemaError`] that says what is missing.
    pub async fn check(&self, pool: &PgPool) -> Result<()> {
        let service = self.service;
        let mut connection = pool.acquire().await?;
        let applied = self.applied(&mut connection).await?;
        for migration in self.migrations.iter().filter(|migration| migration.migration_type.is_up_migration())
        {
            let version = migration.version;
            match applied.get(&version) {
                Some(checksum) if *checksum == *migration.checksum => {}
                Some(_) => return Err(SchemaError::Different { version }.into()),
                None => return Err(SchemaError::Missing { service, version }.into()),
            }
        }
        self.readable(&mut connection, "schema_definitions").await?;
        if !self.definitions.are_in(present(&mut connection).await?.as_ref()) {
            return Err(SchemaError::Definitions { service, version: self.definitions.version() }.into());
        }
        Ok(())
    }

    /// Reads the numbers and checksums of the applied migrations.
    async fn applied(&self, connection: &mut PgConnection) -> Result<HashMap<i64, Vec<u8>>> {
        if !exists(connection, "_sqlx_migrations").await? {
            return Ok(HashMap::new());
        }
        self.readable(connection, "_sqlx_migrations").await?;
        let applied = "SELECT version, checksum FROM _sqlx_migrations WHERE success";
        Ok(sqlx::query_as(applied).fetch_all(connection).await?.into_iter().collect())
    }

    /// Refuses a role that may not read `table`.
    async fn readable(&self, connection: &mut PgConnection, table: &str) -> Result<()> {
        let readable = sqlx::query_scalar("SELECT has_table_privilege($1, 'SELECT')").bind(table);
        if readable.fetch_one(connection).await? {
            return Ok(());
        }
        Err(SchemaError::Unreadable { service: self.service }.into())
    }
}

impl From<SchemaError> for Error {
    fn from(error: SchemaError) -> Self {
        Self::fault(error)
    }
}

/// Describes the tables, views, functions, triggers and privileges of a database as text, for a
/// file that people read and a test compares. The text is the same for every supported version of
/// PostgreSQL.
///
/// # Errors
/// The error of the database.
pub async fn describe(connection: &mut PgConnection) -> sqlx::Result<String> {
    let parts: Vec<String> =
        sqlx::query_scalar(include_str!("schema/describe.sql")).fetch_all(connection).await?;
    Ok(parts.join("\n\n") + "\n")
}

/// Executes one or more statements.
async fn execute(connection: &mut PgConnection, statements: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements).into_sql_str()).execute(connection).await?;
    Ok(())
}

async fn exists(connection: &mut PgConnection, table: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(table).fetch_one(connection).await
}

/// Reads the version and the digest of the definitions that the database has.
async fn present(connection: &mut PgConnection) -> sqlx::Result<Option<(i64, Vec<u8>)>> {
    sqlx::query_as("SELECT version, digest FROM schema_definitions").fetch_optional(connection).await
}

/// Drops the objects of the definitions and deletes the row that lists them.
async fn drop_definitions(tx: &mut PgConnection) -> sqlx::Result<()> {
    let undo: Vec<Vec<String>> =
        sqlx::query_scalar("DELETE FROM schema_definitions RETURNING undo").fetch_all(&mut *tx).await?;
    for statement in undo.iter().flatten() {
        execute(tx, statement).await?;
    }
    Ok(())
}

/// The kind of an object, in the words of `DROP`, and the name of the object.
type Object = (String, String);

/// Lists the triggers, views and functions in all schemas but PostgreSQL's own.
async fn objects(connection: &mut PgConnection) -> sqlx::Result<Vec<Object>> {
    let objects = "
        WITH schemas AS (
            SELECT oid, nspname FROM pg_namespace
            WHERE nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
        )
        SELECT 'TRIGGER', format('%I ON %I.%I', t.tgname, s.nspname, c.relname)
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN schemas AS s ON s.oid = c.relnamespace
        WHERE NOT t.tgisinternal
        UNION ALL
        SELECT 'VIEW', format('%I.%I', s.nspname, c.relname)
        FROM pg_class AS c JOIN schemas AS s ON s.oid = c.relnamespace WHERE c.relkind = 'v'
        UNION ALL
        SELECT 'FUNCTION', format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
        FROM pg_proc AS p JOIN schemas AS s ON s.oid = p.pronamespace WHERE p.prokind = 'f'
        ORDER BY 1, 2";
    sqlx::query_as(objects).fetch_all(connection).await
}

/// Writes the statements that drop these objects. Triggers come first, since a function cannot be
/// dropped while a trigger uses it. One statement drops all other objects, so their order does not
/// matter.
fn drop_statements(made: &[Object]) -> Vec<String> {
    let of = |wanted: &'static str| {
        made.iter().filter(move |(kind, _)| kind == wanted).map(|(_, name)| name.as_str()).collect::<Vec<_>>()
    };
    let triggers = of("TRIGGER").into_iter().map(|name| format!("DROP TRIGGER IF EXISTS {name}"));
    let others = ["VIEW", "FUNCTION"].into_iter().map(|kind| (kind, of(kind)));
    let others = others.filter(|(_, names)| !names.is_empty());
    triggers
        .chain(others.map(|(kind, names)| format!("DROP {kind} IF EXISTS {}", names.join(", "))))
        .collect()
}
