//! `blindsum audit chain`: compares the aggregator's database with its own log.

use std::path::PathBuf;

use aggregator::record::{self, Findings};
use names::PublicKey;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{
    error::{CommandError, Result},
    output::Output,
    pins_file,
};

#[derive(Debug, clap::Args)]
pub(crate) struct ChainArgs {
    /// URL of the aggregator's database, as a member of auditor_ro or more.
    #[arg(long, env = "BLINDSUM_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// The keys to trust, as for participants; the aggregator's has to have signed the last
    /// checkpoint.
    #[arg(long, env = "BLINDSUM_PINS", value_name = "FILE")]
    pins: PathBuf,
}

pub(super) async fn run(args: &ChainArgs, output: &Output) -> Result<()> {
    let key = pins_file::read(&args.pins)?.aggregator;
    let Findings { entries, signed, waiting, .. } = check(&args.database_url, &key).await?;
    let words = format!(
        "every recorded row is what the log says: {entries} entries, {signed} of them under a signed \
         checkpoint, {waiting} more without a place"
    );
    output.answer(words, &json!({ "entries": entries, "signed": signed, "waiting": waiting }));
    Ok(())
}

/// Compares all recorded rows with the log. An error names the first contradiction.
pub(crate) async fn check(database_url: &str, aggregator: &PublicKey) -> Result<Findings> {
    let mut database = PgConnection::connect(database_url).await?;
    let findings = record::check(&mut database, aggregator).await?;
    database.close().await?;
    match findings.contradictions.first() {
        None => Ok(findings),
        Some(first) => {
            Err(CommandError::Record { first: first.to_string(), others: findings.contradictions.len() - 1 })
        }
    }
}
