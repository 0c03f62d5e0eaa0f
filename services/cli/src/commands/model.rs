//! `blindsum model`: upload models.

use std::{fs, path::PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::{
    connection::OperatorArgs,
    error::{CommandError, Result},
    output::Output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Upload the bytes that participants start from, and print their digest for `model_digest`.
    Put(PutArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct PutArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    /// File with the model, in any format that the participants understand.
    file: PathBuf,
}

pub(crate) async fn run(model: Model, output: &Output) -> Result<()> {
    let Model::Put(PutArgs { operator, file }) = model;
    let bytes = fs::read(&file).map_err(CommandError::file(&file))?;
    let digest = operator.connect(output)?.put_model(&bytes).await?;
    output.answer(digest, &json!({ "model_digest": digest, "bytes": bytes.len() }));
    Ok(())
}
