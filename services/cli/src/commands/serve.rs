//! `blindsum serve`.

use clap::Subcommand;

use crate::error::Result;

#[derive(Debug, Subcommand)]
pub(crate) enum Service {
    /// The aggregator: receives, verifies, adds, records, publishes.
    Aggregator(aggregator::Args),
    /// The combiner: countersigns, attests, releases once.
    Combiner(combiner::Args),
}

pub(crate) async fn run(service: Service) -> Result<()> {
    match service {
        Service::Aggregator(args) => args.serve().await?,
        Service::Combiner(args) => args.serve().await?,
    }
    Ok(())
}
