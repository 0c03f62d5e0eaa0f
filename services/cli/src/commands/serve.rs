//! `blindsum serve`: run a service.

use clap::Subcommand;

use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// Run the aggregator: it receives, verifies, adds, records and publishes.
    Aggregator(aggregator::Args),
    /// Run a combiner: it countersigns rounds, attests shares, and releases their sum once.
    Combiner(combiner::Args),
}

pub(crate) async fn run(service: Service) -> Result<()> {
    match service {
        Service::Aggregator(args) => args.serve().await?,
        Service::Combiner(args) => args.serve().await?,
    }
    Ok(())
}
