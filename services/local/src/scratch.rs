//! Databases for single tests.

use std::sync::OnceLock;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

use crate::{
    cluster::PrivateCluster,
    databases::{self, Migrate},
    error::Result,
    service::Service,
};

/// A migrated database of a service. It is dropped with this value, since the databases of all
/// tests together would take gigabytes.
#[derive(Debug)]
pub struct ScratchDatabase {
    name: String,
    service: Service,
    cluster: &'static PrivateCluster,
}

impl ScratchDatabase {
    /// Copies a database that is migrated once for the whole program.
    ///
    /// # Errors
    /// [`LocalError`](crate::LocalError) if the database cannot be created.
    pub async fn create(service: Service, migrate: Migrate) -> Result<Self> {
        static TEMPLATES: [OnceCell<()>; 2] = [const { OnceCell::const_new() }; 2];
        let cluster =
            tokio::task::spawn_blocking(shared_cluster).await.expect("starting a cluster does not panic");
        TEMPLATES[service as usize].get_or_try_init(|| databases::create(cluster, service, migrate)).await?;
        let name = format!("{service}_{}", hex::encode(rand::random::<[u8; 8]>()));
        let database = Self { name, service, cluster };
        database.copy_from(databases::role(service)).await?;
        Ok(database)
    }

    /// The URL that the service connects with.
    pub fn url(&self) -> String {
        self.url_as(databases::role(self.service))
    }

    /// The URL for another role.
    pub fn url_as(&self, role: &str) -> String {
        self.cluster.url_as(&self.name, role)
    }

    /// The URL for the cluster's administrator, which may do anything.
    pub fn admin_url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// Copies the present database, as a backup does. Ends all connections to it.
    ///
    /// # Errors
    /// [`LocalError::Database`](crate::LocalError::Database).
    pub async fn back_up(&self) -> Result<Self> {
        let (service, cluster) = (self.service, self.cluster);
        let backup = Self { name: format!("{}_backup", self.name), service, cluster };
        let end_sessions = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        administer(cluster, end_sessions).await.map_err(kit::Error::from)?;
        backup.copy_from(&self.name).await?;
        Ok(backup)
    }

    async fn copy_from(&self, template: &str) -> Result<()> {
        let owner = databases::owner(self.service);
        let copy = format!("CREATE DATABASE {} TEMPLATE {template} OWNER {owner}", self.name);
        Ok(administer(self.cluster, copy).await.map_err(kit::Error::from)?)
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        let drop_database = async || {
            let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            administer(self.cluster, statement).await.expect("the database can be dropped");
        };
        // Drop the database on another thread, since a runtime that must not block may drive this
        // one.
        let dropping = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(drop_database());
        };
        let dropped = std::thread::scope(|scope| scope.spawn(dropping).join());
        // A panic has printed its reason already. The cluster is removed when the program ends.
        drop(dropped);
    }
}

/// The temporary cluster of the whole program. The first call starts it and blocks. It is removed
/// when the program ends.
///
/// # Panics
/// When the cluster cannot be started.
pub fn shared_cluster() -> &'static PrivateCluster {
    static CLUSTER: OnceLock<PrivateCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| PrivateCluster::temporary().expect("a private PostgreSQL cluster"))
}

async fn administer(cluster: &PrivateCluster, statement: String) -> sqlx::Result<()> {
    let mut admin = PgConnection::connect(&cluster.admin_url()).await?;
    sqlx::query(AssertSqlSafe(statement)).execute(&mut admin).await?;
    admin.close().await
}
