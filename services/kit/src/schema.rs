//! A service's schema: migrations, which add to each other, and definitions, which are made again from whole files.
//!
//! migrations/README.md says what belongs where.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, SqlSafeStr, migrate::Migrator};
use thiserror::Error;

use crate::{Error, Result};

/// The schema of a service's database.
#[derive(Debug)]
pub struct Schema {
    /// The service, as `blindsum db migrate` calls it.
    pub service: &'static str,
    /// Tables, columns, constraints, indexes.
    pub migrations: Migrator,
    /// Functions, triggers, views, grants.
    pub definitions: Definitions,
}

/// What a database is given after its migrations: functions, triggers, views, grants.
#[derive(Clone, Copy, Debug)]
pub struct Definitions {
    /// Names and texts of the files, in the order in which they are executed.
    pub files: &'static [(&'static str, &'static str)],
    /// One line for each version, `VERSION DIGEST`; lines that begin with `#` are comments.
    pub versions: &'static str,
}

/// Why a service does not work with a database.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A migration is missing.
    #[error(
        "the database lacks migration {version}: run `blindsum db migrate {service}` as its owner, then start again"
    )]
    Missing {
        /// The service.
        service: &'static str,
        /// The first migration that is missing.
        version: i64,
    },
    /// The definitions are older than this program's, or are not the same as the program's of that version.
    #[error(
        "the database lacks version {version} of the functions and views: \
         run `blindsum db migrate {service}` as its owner, then start again"
    )]
    Definitions {
        /// The service.
        service: &'static str,
        /// The version that this program needs.
        version: i64,
    },
    /// The role may not read the migrations.
    #[error(
        "the role may not read which migrations were applied: run `blindsum db migrate {service}` as the database's owner, \
         and connect as the role that `blindsum db bootstrap {service}` made"
    )]
    Unreadable {
        /// The service.
        service: &'static str,
    },
    /// A migration has this program's number and another text.
    #[error(
        "migration {version} of the database is not the one that this program knows: is it the right database?"
    )]
    Different {
        /// The migration.
        version: i64,
    },
    /// PostgreSQL refuses a file of the definitions.
    #[error("{file} cannot be applied")]
    File {
        /// The file.
        file: &'static str,
        /// PostgreSQL's reason.
        #[source]
        source: sqlx::Error,
    },
}

impl Definitions {
    /// The number of the last version; 0 without any.
    pub fn version(&self) -> i64 {
        let number = |line: &str| line.split_whitespace().next().and_then(|number| number.parse().ok());
        self.versions.lines().filter_map(number).max().unwrap_or(0)
    }

    /// SHA-256 of the files, each with its name and the lengths of both.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in self.files.iter().flat_map(|(name, text)| [name, text]) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// Whether a database that has this version and digest has these definitions or later ones.
    fn are_in(&self, present: Option<&(i64, Vec<u8>)>) -> bool {
        present.is_some_and(|(version, digest)| {
            *version > self.version() || *version == self.version() && *digest == self.digest()
        })
    }
}

impl Schema {
    /// Applies the migrations that are missing, then the definitions if the database has others. Statements have no time
    /// limit. Several processes may call this at once: one migrates, the others wait. A database that is newer is left
    /// as it is.
    ///
    /// # Errors
    /// A fault; also when an applied migration differs from the one given.
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
        // Migrating processes wait for each other here; a role that may only read cannot take this lock.
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
        .bind(self.definitions.digest())
        .bind(drop_statements(&made))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Drops the definitions and undoes the migrations above `version`, with their data.
    ///
    /// # Errors
    /// A fault.
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

    /// Checks that the database has the migrations and the definitions. A database that is newer will do: old code runs
    /// on a new schema, so that processes can be replaced one by one once the database is migrated.
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

    /// Numbers and checksums of the migrations that the database has.
    async fn applied(&self, connection: &mut PgConnection) -> Result<HashMap<i64, Vec<u8>>> {
        if !exists(connection, "_sqlx_migrations").await? {
            return Ok(HashMap::new());
        }
        self.readable(connection, "_sqlx_migrations").await?;
        let applied = "SELECT version, checksum FROM _sqlx_migrations WHERE success";
        Ok(sqlx::query_as(applied).fetch_all(connection).await?.into_iter().collect())
    }

    /// Refuses a role that may not read the table.
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

/// The tables, views, functions, triggers and privileges of a database as text, for a file that people read and a test
/// compares. It is the same for every version of PostgreSQL that is supported.
///
/// # Errors
/// The database's.
pub async fn describe(connection: &mut PgConnection) -> sqlx::Result<String> {
    let parts: Vec<String> =
        sqlx::query_scalar(include_str!("schema/describe.sql")).fetch_all(connection).await?;
    Ok(parts.join("\n\n") + "\n")
}

/// Executes one statement or several.
async fn execute(connection: &mut PgConnection, statements: &str) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements).into_sql_str()).execute(connection).await?;
    Ok(())
}

async fn exists(connection: &mut PgConnection, table: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(table).fetch_one(connection).await
}

/// Version and digest of the definitions that the database has.
async fn present(connection: &mut PgConnection) -> sqlx::Result<Option<(i64, Vec<u8>)>> {
    sqlx::query_as("SELECT version, digest FROM schema_definitions").fetch_optional(connection).await
}

/// Drops what the definitions made, and forgets it.
async fn drop_definitions(tx: &mut PgConnection) -> sqlx::Result<()> {
    let undo: Vec<Vec<String>> =
        sqlx::query_scalar("DELETE FROM schema_definitions RETURNING undo").fetch_all(&mut *tx).await?;
    for statement in undo.iter().flatten() {
        execute(tx, statement).await?;
    }
    Ok(())
}

/// A kind of object, as `DROP` calls it, and the object's name.
type Object = (String, String);

/// The triggers, views and functions of all schemas that are not PostgreSQL's own.
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

/// Triggers first, since functions cannot be dropped before them. One statement drops all objects of the other kinds,
/// whichever needs which.
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
