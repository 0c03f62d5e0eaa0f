//! The installation behind `blindsum demo` and `blindsum local`. Each service is a process of this
//! same program.

use std::{env, net::SocketAddr, path::Path, process::Command};

use local::{
    Pair, Parties, PrivateCluster, Service, ServiceFolder, Settings, Setup, Workplace,
    cluster::Durability,
    databases::{self, Migrate},
    install,
};

use crate::{
    error::{CommandError, Result},
    output::Output,
};

/// A private database cluster, both services, and all keys. Dropping it stops everything.
pub(crate) struct Installation {
    pub(crate) parties: Parties,
    // Fields drop in this order: the services first, the folder last.
    pub(crate) pair: Pair,
    pub(crate) cluster: PrivateCluster,
    pub(crate) workplace: Workplace,
}

/// Choices for an installation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Name of the log, which its checkpoints carry.
    pub(crate) origin: &'static str,
    /// Port of the aggregator. 0 takes any free one.
    pub(crate) aggregator_port: u16,
    /// Port of the combiner. 0 takes any free one.
    pub(crate) combiner_port: u16,
    /// Smallest cohort for which the combiner countersigns a round. `None` keeps its default.
    pub(crate) min_cohort_floor: Option<u32>,
}

impl Installation {
    /// Starts everything in the folder `dir`. Without one, in a temporary folder.
    pub(crate) async fn start(dir: Option<&Path>, options: &Options, output: &Output) -> Result<Self> {
        let workplace = Workplace::new(dir)?;
        let durability = if workplace.is_temporary() { Durability::Unsynced } else { Durability::Synced };
        let note = |words: &str| output.note(words);
        let cluster = install::start_cluster(workplace.path(), durability, &note).await?;
        output.note("Starting the combiner and the aggregator …");
        let migrate_aggregator: Migrate = |pool| Box::pin(async move { aggregator::migrate(&pool).await });
        let migrate_combiner: Migrate = |pool| Box::pin(async move { combiner::migrate(&pool).await });
        databases::create(&cluster, Service::Aggregator, migrate_aggregator).await?;
        databases::create(&cluster, Service::Combiner, migrate_combiner).await?;
        let program = env::current_exe().map_err(CommandError::Runtime)?;
        let parties = Parties::generate();
        let setup = Setup {
            folder: workplace.path(),
            parties: &parties,
            database_url: &|service| {
                let role = databases::role(service);
                cluster.url_as(role, role)
            },
            command: &|service, folder: &ServiceFolder| {
                let mut command = Command::new(&program);
                command.args(["serve", service.name(), "--config"]).arg(folder.config_file());
                command
            },
            address: &|service| options.address(service),
            adjust: &|service, settings| options.adjust(service, settings),
            may_end_early: false,
        };
        let pair = Pair::start(&setup).await?;
        Ok(Self { parties, pair, cluster, workplace })
    }

    /// Waits until the services have finished their requests, then stops and deletes everything.
    pub(crate) async fn stop(self) {
        self.pair.stop().await;
    }

    /// Stops the services. The database cluster keeps running, and the folder stays.
    pub(crate) fn keep(self) -> Result<()> {
        drop(self.pair);
        self.cluster.leave_running().map_err(CommandError::Runtime)?;
        self.workplace.keep();
        Ok(())
    }
}

impl Options {
    fn address(&self, service: Service) -> SocketAddr {
        let port = match service {
            Service::Aggregator => self.aggregator_port,
            Service::Combiner => self.combiner_port,
        };
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Shorter intervals than the defaults, because somebody is watching.
    fn adjust(&self, service: Service, settings: &mut Settings) {
        match service {
            Service::Aggregator => {
                settings
                    .set("jobs.poll_ms", 50)
                    .set_text("record.origin", self.origin)
                    .set("record.sequence_ms", 250)
                    .set("record.checkpoint_ms", 2000);
            }
            Service::Combiner => {
                if let Some(floor) = self.min_cohort_floor {
                    settings.set("policy.min_cohort_floor", floor);
                }
            }
        }
    }
}
