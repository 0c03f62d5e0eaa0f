//! An aggregator and a combiner that work together, each a process of its own.

use std::{net::SocketAddr, path::Path, process::Command};

use crate::{
    error::Result, folder::ServiceFolder, parties::Parties, process::Process, service::Service,
    settings::Settings,
};

/// The choices for a pair.
pub struct Setup<'a> {
    /// The folder in which each service gets a folder.
    pub folder: &'a Path,
    /// Everybody's keys and tokens.
    pub parties: &'a Parties,
    /// The URL of each service's database.
    pub database_url: &'a (dyn Fn(Service) -> String + Sync),
    /// The command that runs a service with the configuration in this folder.
    pub command: &'a (dyn Fn(Service, &ServiceFolder) -> Command + Sync),
    /// Where each service listens; port 0 takes a free one.
    pub address: &'a (dyn Fn(Service) -> SocketAddr + Sync),
    /// Changes what the services' configurations say by default.
    pub adjust: &'a (dyn Fn(Service, &mut Settings) + Sync),
    /// Services may end before they listen, as one does that is made to crash. Their addresses must
    /// have ports.
    pub may_end_early: bool,
}

/// Both services. They are killed when this is dropped, and when the process ends without dropping
/// it.
#[derive(Debug)]
pub struct Pair {
    /// The aggregator's process.
    pub aggregator: Process,
    /// The combiner's process.
    pub combiner: Process,
    /// Where the aggregator listens.
    pub aggregator_url: String,
    /// Where the combiner listens.
    pub combiner_url: String,
}

impl Pair {
    /// Starts both services and waits until they accept requests.
    ///
    /// # Errors
    /// [`LocalError`](crate::LocalError).
    pub async fn start(setup: &Setup<'_>) -> Result<Self> {
        let Parties { aggregator, combiner, admin_token, service_token, .. } = setup.parties;
        let pins = setup.parties.pins();

        let service = Service::Combiner;
        let folder = ServiceFolder::create(setup.folder, service, combiner, service_token)?;
        let settings = folder.combiner_settings(&(setup.database_url)(service), &pins);
        let (combiner, combiner_url) = setup.launch(service, folder, settings).await?;

        let service = Service::Aggregator;
        let folder = ServiceFolder::create(setup.folder, service, aggregator, service_token)?;
        let combiners = [combiner_url.clone()];
        let database_url = (setup.database_url)(service);
        folder.write_admin_token(admin_token)?;
        let settings = folder.aggregator_settings(&database_url, &pins, &combiners);
        let (aggregator, aggregator_url) = setup.launch(service, folder, settings).await?;

        Ok(Self { aggregator, combiner, aggregator_url, combiner_url })
    }

    /// Asks both services to end, and waits until they have.
    pub async fn stop(self) {
        tokio::join!(self.aggregator.stop(), self.combiner.stop());
    }
}

impl Setup<'_> {
    async fn launch(
        &self,
        service: Service,
        folder: ServiceFolder,
        mut settings: Settings,
    ) -> Result<(Process, String)> {
        let address = (self.address)(service);
        settings.set_text("listen.addr", address);
        (self.adjust)(service, &mut settings);
        folder.configure(&settings)?;
        let command = (self.command)(service, &folder);
        let process = Process::spawn(service, folder, command)?;
        let address = match process.listening().await {
            Ok(address) => address,
            Err(_) if self.may_end_early => address,
            Err(error) => return Err(error),
        };
        Ok((process, format!("http://{address}")))
    }
}
