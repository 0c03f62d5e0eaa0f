//! `blindsum db`.

use std::{fmt, path::PathBuf};

use clap::{Subcommand, ValueEnum};
use kit::{
    config::{DatabaseConfig, Secret},
    postgres,
};
use serde_json::json;
use sqlx::migrate::Migrator;

use crate::{error::Result, output::Output};

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Make a service's database and the role that owns it. Repeating it sets the password anew.
    Bootstrap(BootstrapArgs),
    /// Bring a service's database up to date.
    Migrate(MigrateArgs),
}

/// Whose database.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Service {
    Aggregator,
    Combiner,
}

impl Service {
    pub(crate) fn migrator(self) -> &'static Migrator {
        match self {
            Self::Aggregator => &aggregator::MIGRATOR,
            Self::Combiner => &combiner::MIGRATOR,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aggregator => "aggregator",
            Self::Combiner => "combiner",
        })
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct BootstrapArgs {
    /// Whose database. The services' databases belong on different servers, in different hands.
    service: Service,
    /// URL of a role that may make databases and roles.
    #[arg(long, env = "BLINDSUM_ADMIN_URL", hide_env_values = true, value_name = "URL")]
    admin_url: String,
    /// Name of the database and of the role; `blindsum_` and the service's name if absent.
    #[arg(long)]
    name: Option<String>,
    /// File with the role's password.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MigrateArgs {
    /// Whose database.
    service: Service,
    /// URL of the service's role and database.
    #[arg(long, env = "BLINDSUM_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
}

pub(crate) async fn run(db: Db, output: &Output) -> Result<()> {
    match db {
        Db::Bootstrap(BootstrapArgs { service, admin_url, name, password_file }) => {
            let name = name.unwrap_or_else(|| format!("blindsum_{service}"));
            let password = Secret::file(password_file).read()?;
            postgres::bootstrap(&admin_url, &name, &name, &password).await?;
            let words = format!("database {name} belongs to role {name}");
            output.answer(words, &json!({ "database": name, "role": name }));
        }
        Db::Migrate(MigrateArgs { service, database_url }) => {
            migrate(service, &database_url).await?;
            let words = format!("the {service}'s database is up to date");
            output.answer(words, &json!({ "service": service.to_string() }));
        }
    }
    Ok(())
}

pub(crate) async fn migrate(service: Service, database_url: &str) -> Result<()> {
    let pool = postgres::connect(&DatabaseConfig::new(Secret::text(database_url))).await?;
    postgres::migrate(&pool, service.migrator()).await?;
    pool.close().await;
    Ok(())
}
