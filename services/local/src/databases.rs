//! The services' databases in a private cluster, with a role for each party that connects.

use futures::future::LocalBoxFuture;
use kit::{
    config::{DatabaseConfig, Secret},
    postgres,
};
use sqlx::PgPool;

use crate::{cluster::PrivateCluster, error::Result, parties::token, service::Service};

/// The group of the roles that serve the aggregator.
pub const AGGREGATOR_GROUP: &str = "aggregator_rw";
/// The group of the roles that audit.
pub const AUDITOR_GROUP: &str = "auditor_ro";
/// The group of the roles that pay batches.
pub const PAYER_GROUP: &str = "payer_rw";

/// The aggregator's database, and the role that serves it. This role owns nothing.
pub const AGGREGATOR: &str = "blindsum_aggregator";
/// The role that owns the aggregator's database.
pub const AGGREGATOR_OWNER: &str = "blindsum_aggregator_owner";
/// The role that audits the aggregator's database.
pub const AUDITOR: &str = "blindsum_aggregator_auditor";
/// The role that pays batches.
pub const PAYER: &str = "blindsum_aggregator_payer";
/// The combiner's database, and the role that owns it and serves it.
pub const COMBINER: &str = "blindsum_combiner";

/// Migrates a service's database to the newest schema. The pool connects as the database's owner.
pub type Migrate = fn(PgPool) -> LocalBoxFuture<'static, kit::Result<()>>;

/// Creates the database of a service with its roles, and migrates it.
///
/// # Errors
/// [`LocalError::Database`](crate::LocalError::Database).
pub async fn create(cluster: &PrivateCluster, service: Service, migrate: Migrate) -> Result<()> {
    let (database, owner) = (role(service), owner(service));
    let admin_url = cluster.admin_url();
    postgres::bootstrap(&admin_url, database, owner, &token()).await?;
    if service == Service::Aggregator {
        let members = [(AGGREGATOR_GROUP, AGGREGATOR), (AUDITOR_GROUP, AUDITOR), (PAYER_GROUP, PAYER)];
        for (group, role) in members {
            postgres::bootstrap_member(&admin_url, database, group, role, &token()).await?;
        }
    }
    let owner_url = Secret::text(cluster.url_as(database, owner));
    let pool = postgres::connect(&DatabaseConfig::new(owner_url)).await?;
    migrate(pool.clone()).await?;
    pool.close().await;
    Ok(())
}

/// The name of a service's database, which is also the role that the service connects as.
pub fn role(service: Service) -> &'static str {
    match service {
        Service::Aggregator => AGGREGATOR,
        Service::Combiner => COMBINER,
    }
}

/// The role that owns the database of a service.
pub fn owner(service: Service) -> &'static str {
    match service {
        Service::Aggregator => AGGREGATOR_OWNER,
        Service::Combiner => COMBINER,
    }
}
