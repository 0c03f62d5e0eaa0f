//! The services' databases in a private cluster, with a role for everybody who connects.

use futures::future::LocalBoxFuture;
use kit::{
    config::{DatabaseConfig, Secret},
    postgres,
};
use sqlx::PgPool;

use crate::{cluster::PrivateCluster, error::Result, parties::token, service::Service};

/// The group of roles that serve the aggregator.
pub const AGGREGATOR_GROUP: &str = "aggregator_rw";
/// The group of roles that audit.
pub const AUDITOR_GROUP: &str = "auditor_ro";
/// The group of roles that pay batches.
pub const PAYER_GROUP: &str = "payer_rw";

/// The aggregator's database, and the role that serves it. The role owns nothing.
pub const AGGREGATOR: &str = "blindsum_aggregator";
/// The role that owns the aggregator's database.
pub const AGGREGATOR_OWNER: &str = "blindsum_aggregator_owner";
/// The role that audits.
pub const AUDITOR: &str = "blindsum_aggregator_auditor";
/// The role that pays batches.
pub const PAYER: &str = "blindsum_aggregator_payer";
/// The combiner's database, and the role that owns and serves it.
pub const COMBINER: &str = "blindsum_combiner";

/// Brings a service's database up to date. The pool is that of the database's owner.
pub type Migrate = fn(PgPool) -> LocalBoxFuture<'static, kit::Result<()>>;

/// Makes the database of a service with its roles, and migrates it.
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

/// The database of a service, and the role as which the service connects.
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
