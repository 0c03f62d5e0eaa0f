//! `blindsum db`: create and migrate the databases of the services.

use std::{fmt, path::PathBuf};

use clap::{Subcommand, ValueEnum};
use kit::{
    config::{DatabaseConfig, Secret},
    postgres,
};
use local::databases::{AGGREGATOR_GROUP, AUDITOR_GROUP, PAYER_GROUP};
use serde_json::json;

use crate::{error::Result, output::Output};

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Create the database of a service, and its roles. Run again, it sets the passwords again.
    ///
    /// The database of the combiner belongs to the role NAME. The database of the aggregator
    /// belongs to NAME_owner, which migrates it. NAME is the role that serves, a member of
    /// aggregator_rw. NAME_auditor reads, as a member of auditor_ro. NAME_payer states payments, as
    /// a member of payer_rw. docs/api.md has the statement.
    Bootstrap(BootstrapArgs),
    /// Migrate the database of a service, and grant its roles what they may do.
    ///
    /// Run this before a new version of the service starts.
    Migrate(MigrateArgs),
}

/// The service that a database belongs to.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Service {
    Aggregator,
    Combiner,
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
    /// The service. Keep the two databases on different servers, in different hands.
    service: Service,
    /// URL of a role that may create databases and roles.
    #[arg(long, env = "BLINDSUM_ADMIN_URL", hide_env_values = true, value_name = "URL")]
    admin_url: String,
    /// Name of the database and of the role that serves. Default: `blindsum_` and the name of the
    /// service.
    #[arg(long)]
    name: Option<String>,
    /// File with the password of the role that serves.
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
    /// For the aggregator: file with the password of the owner.
    #[arg(long, value_name = "FILE", required_if_eq("service", "aggregator"))]
    owner_password_file: Option<PathBuf>,
    /// For the aggregator: file with the password of the auditor. Without it, there is no such
    /// role.
    #[arg(long, value_name = "FILE")]
    auditor_password_file: Option<PathBuf>,
    /// For the aggregator: file with the password of the payer. Without it, there is no such role.
    #[arg(long, value_name = "FILE")]
    payer_password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MigrateArgs {
    /// The service.
    service: Service,
    /// URL of the database, with the role that owns it.
    #[arg(long, env = "BLINDSUM_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
}

pub(crate) async fn run(db: Db, output: &Output) -> Result<()> {
    match db {
        Db::Bootstrap(args) => {
            let name = args.name.clone().unwrap_or_else(|| format!("blindsum_{}", args.service));
            let roles = bootstrap(&args, &name).await?;
            let words = format!("database {name}, roles {}", roles.join(", "));
            output.answer(words, &json!({ "database": name, "roles": roles }));
        }
        Db::Migrate(MigrateArgs { service, database_url }) => {
            migrate(service, &database_url).await?;
            let words = format!("the {service}'s database is up to date");
            output.answer(words, &json!({ "service": service.to_string() }));
        }
    }
    Ok(())
}

async fn bootstrap(args: &BootstrapArgs, name: &str) -> Result<Vec<String>> {
    let password = Secret::file(args.password_file.clone()).read()?;
    let (admin_url, owner) = (&args.admin_url, format!("{name}_owner"));
    let (Service::Aggregator, Some(owner_password)) = (args.service, &args.owner_password_file) else {
        postgres::bootstrap(admin_url, name, name, &password).await?;
        return Ok(vec![name.to_owned()]);
    };
    postgres::bootstrap(admin_url, name, &owner, &Secret::file(owner_password.clone()).read()?).await?;
    postgres::bootstrap_member(admin_url, name, AGGREGATOR_GROUP, name, &password).await?;
    let mut roles = vec![owner, name.to_owned()];
    let others = [
        (&args.auditor_password_file, AUDITOR_GROUP, "auditor"),
        (&args.payer_password_file, PAYER_GROUP, "payer"),
    ];
    for (file, group, suffix) in others {
        let Some(file) = file else { continue };
        let role = format!("{name}_{suffix}");
        let password = Secret::file(file.clone()).read()?;
        postgres::bootstrap_member(admin_url, name, group, &role, &password).await?;
        roles.push(role);
    }
    Ok(roles)
}

async fn migrate(service: Service, database_url: &str) -> Result<()> {
    let pool = postgres::connect(&DatabaseConfig::new(Secret::text(database_url))).await?;
    match service {
        Service::Aggregator => aggregator::migrate(&pool).await?,
        Service::Combiner => combiner::migrate(&pool).await?,
    }
    pool.close().await;
    Ok(())
}
