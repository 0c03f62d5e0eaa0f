//! An aggregator and a combiner that work together. Each is a process of its own.

use std::{net::SocketAddr, path::Path, process::Command};

use crate::{
    error::Result, folder::ServiceFolder, parties::Parties, process::Process, service::Service,
    settings::Settings,
};

/// The choices for a pair of services.
pub struct Setup<'a> {
    /// The parent folder. Each service gets a folder in it.
    pub folder: &'a Path,
    /// The keys and tokens of all parties.
    pub parties: &'a Parties,
    /// Returns the URL of a service's database.
    pub database_url: &'a (dyn Fn(Service) -> String + Sync),
    /// Returns the command that runs a service with the configuration in this folder.
    pub command: &'a (dyn Fn(Service, &ServiceFolder) -> Command + Sync),
    /// Returns the address on which a service listens. Port 0 takes a free port.
    pub address: &'a (dyn Fn(Service) -> SocketAddr + Sync),
    /// Changes the default settings of a service.
    pub adjust: &'a (dyn Fn(Service, &mut Settings) + Sync),
    /// Allows a service to end before it listens. A test that makes a service crash needs this.
    /// Then the addresses must have ports.
    pub may_end_early: bool,
}

/// Both services. They are killed when this value is dropped, and also when the process ends
/// without dropping it.
#[derive(Debug)]
pub struct Pair {
    /// The aggregator's process.
    pub aggregator: Process,
    /// The combiner's process.
    pub combiner: Process,
    /// The URL of the aggregator.
    pub aggregator_url: String,
    /// The URL of the combiner.
    pub combiner_url: String,
}

impl Pair {
    /// Starts both services and waits until they accept requests.
    ///
    /// # Errors
    /// [`LocalError`](crate::LocalError) if a service cannot be started.
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

    /// Asks both services to end, and waits for their end.
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
