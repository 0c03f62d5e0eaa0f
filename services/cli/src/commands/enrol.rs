//! `blindsum enrol`: make a participant known to the aggregator.

use crate::{
    connection::{ClientArgs, ParticipantArgs},
    error::Result,
    output::Output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    participant: ParticipantArgs,
}

pub(crate) async fn run(args: Args, output: &Output) -> Result<()> {
    let participant = args.participant.read()?;
    let view = args.client.connect(output)?.enrol(&participant).await?;
    let words = format!("{} is enrolled for epoch {}", view.subject, view.credential_epoch);
    output.answer(words, &view);
    Ok(())
}
